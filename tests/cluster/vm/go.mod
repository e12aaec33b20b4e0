module chaosmem.test/vm

go 1.22
