module chaosmem

go 1.22
