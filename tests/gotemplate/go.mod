module gotemplate

go 1.24
