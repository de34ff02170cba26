// Package csrf refuses requests that another site made a visitor's browser send: by where the request comes from
// ([CheckOrigin]) and by a token in the form that only the site's own page can hold ([AppendToken], [VerifyToken]).
//
// Both are needed: the origin check believes the browser's headers, which a program or a broken proxy can forge or strip;
// the token covers those. Neither helps against a script that runs in the site's own pages, nor against a visitor who is
// talked into pressing the button himself. [Handler] joins the two for a program that is plain net/http.
package csrf
