package attack

// Holds is for tests: how data is looked through for a token.
var Holds = holds
