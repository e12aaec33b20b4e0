module scenario

go 1.22
