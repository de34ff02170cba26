package page_test

var attacks = []struct{ source string }{}
