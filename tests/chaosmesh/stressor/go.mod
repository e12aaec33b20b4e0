module chaosmem.test/stressor

go 1.25
