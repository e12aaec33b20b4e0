module whereis

go 1.25
