module chaosmem.test/teller

go 1.24
