module example.com/goprofiles/v2

go 1.24
