module service

go 1.22

require chaosmem v0.0.0

replace chaosmem => ../../../chaosmem/go
