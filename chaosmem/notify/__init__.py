"""Telling people: a verdict, or a guard that tripped, to the channels of the spec and the machine.

    message   what is told: a versioned model, the JSON body of a webhook
    compose   a verdict, a guard or a test into a message
    wording   a message into text: for mails and issues, and for Slack
    redact    secrets out of whatever is said of a failure
    patience  how long one message may take, and what is worth a second attempt
    posting   a POST of JSON (requests)
    services  e-mail and other services (apprise), issues (jira)
    channels  a channel of the spec, its secrets read, into something that sends
    bell      an observer of the run that rings them

Whatever happens here changes no verdict and no exit code, and holds up no undo: each message goes
out on a thread of its own that nothing waits for until the run is over, and then not for long.
"""
