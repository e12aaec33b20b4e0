module chaosmem.test/pause

go 1.22
