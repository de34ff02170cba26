package form

import "github.com/merlon-web/merlon/check"

const (
	massAssignment = "OWASP Mass Assignment Cheat Sheet; CWE-915; OWASP ASVS 5.0 15.3.3"
	validation     = "OWASP ASVS 5.0 2.2.1; OWASP Input Validation Cheat Sheet"
	formEncoding   = "WHATWG URL 5.1; WHATWG HTML 4.10.21.8; RFC 7578"
)

// The rules of a form's struct: such a struct does not start.
var (
	RuleUntagged = check.Rule{
		ID: "MRL-FORM-001", Property: check.Integrity, Severity: check.High,
		Title:  "a form field without a tag",
		Why:    "a field is in a form because its tag says so; a field that came in by being exported is how mass assignment begins",
		Attack: "Adds is_admin=1 to the request; the struct has such a field for another purpose, and it is filled.",
		Wrong:  "type Edit struct {\n\tText  string `form:\"max=500\"`\n\tAdmin bool\n}",
		Right:  "Give the field a form tag (`form:\"\"` for a number or a checkbox without rules), or take it out of the struct.",
		Source: massAssignment,
	}
	RuleNoLimit = check.Rule{
		ID: "MRL-FORM-002", Property: check.Availability, Severity: check.High,
		Title:  "a text field without a maximum, or a list without one",
		Why:    "what has no limit is filled to the brim of the disk by somebody",
		Attack: "Posts as much as the body may hold, again and again, into a field that is stored and shown in full.",
		Wrong:  "Text string `form:\"required\"`",
		Right:  "Text string `form:\"required,max=500\"`: code points. A list has max_items too. An e-mail address has 254 by itself.",
		Source: validation + "; OWASP ASVS 5.0 4.1.2",
	}
	RuleExclusion = check.Rule{
		ID: "MRL-FORM-003", Property: check.Integrity, Severity: check.High,
		Title:  "a form that lists what to exclude",
		Why:    "a list of what is out forgets the field that is added next year; a field is in by its tag, and there is no exclusion",
		Attack: "Sends the one field that nobody thought of excluding.",
		Wrong:  "type Edit struct {\n\tText  string `form:\"max=500\"`\n\tAdmin bool   `form:\"-\"`\n}",
		Right:  "A struct of its own with the fields that may come in, and nothing else.",
		Source: massAssignment,
	}
	RuleEmbedded = check.Rule{
		ID: "MRL-FORM-004", Property: check.Integrity, Severity: check.High,
		Title:  "an embedded struct in a form",
		Why:    "its fields would come in with it, and so would those that are added to it later in another file",
		Attack: "Fills a promoted field of the embedded row: an owner, a price, a role.",
		Wrong:  "type Edit struct {\n\tNote\n\tText string `form:\"max=500\"`\n}",
		Right:  "Write the fields down, one by one.",
		Source: massAssignment,
	}
	RuleType = check.Rule{
		ID: "MRL-FORM-005", Property: check.Integrity, Severity: check.High,
		Title:  "a form field of a type that cannot be read from a form",
		Why:    "only texts, numbers, checkboxes, choices, dates and lists of them have one meaning in a form",
		Attack: "Finds the second meaning: a nil pointer, a nested name, a value of a type that nobody expected.",
		Wrong:  "Age *int `form:\"\"`",
		Right:  "string, a named string, int…, uint…, float…, bool, time.Time (date, datetime), secret.String (password), or a slice of\ntexts or numbers with max_items. What is absent is the zero value.",
		Source: validation,
	}
	RuleTag = check.Rule{
		ID: "MRL-FORM-006", Property: check.Integrity, Severity: check.High,
		Title:  "a tag that is not understood",
		Why:    "a rule with a typing error is a rule that does not hold",
		Attack: "Sends what the misspelt rule was meant to refuse.",
		Wrong:  "Text string `form:\"requird,max=500\"`",
		Right:  "required, min, max, lines, rows, password, email, url, date, datetime, choices, sealed, max_items, inputmode;\nof uploads max_bytes, types, pixels, fit;\nbeside the form tag: label, help, autocomplete.",
		Source: validation,
	}
	RuleUpload = check.Rule{
		ID: "MRL-FORM-007", Property: check.Availability, Severity: check.High,
		Title:  "an upload that cannot be proven",
		Why:    "an upload is streamed to the disk, bounded, and held to what its bytes are; a type that is not told by its bytes, and a field that takes it into memory, cannot be",
		Attack: "Uploads a page or a program and has it served, or fills the disk.",
		Wrong:  "Picture []byte `form:\"max_bytes=1000000,types=image/png\"`",
		Right:  "Picture form.Image `form:\"max_bytes=1000000,types=image/png,pixels=4000000\"`\nFiles that a form did not declare are thrown away and recorded.",
		Source: "OWASP File Upload Cheat Sheet; OWASP ASVS 5.0 5.2.1, 5.2.2, 5.2.6",
	}
	RuleStruct = check.Rule{
		ID: "MRL-FORM-008", Property: check.Integrity, Severity: check.High,
		Title:  "a form that is not a struct of its own",
		Why:    "a form is a struct whose exported fields are its fields, each name once; anything else binds nothing or too much",
		Attack: "Sends a name that the program reads in one place and checks in another.",
		Wrong:  "form.Form[map[string]string]; a struct with only unexported fields; a tag on an unexported field",
		Right:  "type NewNote struct {\n\tText string `form:\"required,max=500\"`\n}\nand struct{} for a form that is only a button.",
		Source: massAssignment,
	}
	RulePasswordQuery = check.Rule{
		ID: "MRL-FORM-009", Property: check.Confidentiality, Severity: check.High,
		Title:  "a password or a sealed value in an address",
		Why:    "addresses are kept in histories, logs and Referer headers",
		Attack: "Reads the password from a log or from over the shoulder.",
		Wrong:  "Password secret.String `query:\"password,max=1024\"`",
		Right:  "Take it in a POST form.",
		Source: "OWASP ASVS 5.0 14.2.1; CWE-598",
	}
	RulePlainPassword = check.Rule{
		ID: "MRL-FORM-010", Property: check.Confidentiality, Severity: check.High,
		Title:  "a password that is a plain text",
		Why:    "a struct with a string in it prints it: one log line of the form, one %v in an error, and the password is in files that many read and nobody deletes",
		Attack: "Reads the log, a backup of it, or the error report of a third party, and signs in with what stands there.",
		Wrong:  "Password string `form:\"required,password,max=1024\"`",
		Right:  "Password secret.String `form:\"required,password,max=1024\"`: it prints as [redacted]; Reveal returns the text.",
		Source: "OWASP ASVS 5.0 16.2.5; CWE-532",
	}
)

// The rules of a request: it is refused, or what it brought too much is left out.
var (
	RuleMediaType = check.Rule{
		ID: "MRL-FORM-020", Property: check.Integrity, Severity: check.Low,
		Title:  "a body that is not a form",
		Why:    "forms are application/x-www-form-urlencoded or multipart/form-data in UTF-8; any other type would be read by guessing",
		Attack: "Sends JSON as text/plain, which browsers post across sites without asking, or hides fields in another charset.",
		Wrong:  "Content-Type: text/plain",
		Right:  "Send the form as browsers do. A route for JSON says so (JSONBody).",
		Source: formEncoding + "; OWASP CSRF Prevention Cheat Sheet",
	}
	RuleContentEncoding = check.Rule{
		ID: "MRL-FORM-021", Property: check.Availability, Severity: check.Low,
		Title:  "a compressed body",
		Why:    "a few bytes can unpack to gigabytes, and no browser compresses what it posts",
		Attack: "Sends a decompression bomb.",
		Wrong:  "Content-Encoding: gzip",
		Right:  "Send the body as it is.",
		Source: "CWE-409; RFC 9110 8.4 and 15.5.16",
	}
	RuleTooLarge = check.Rule{
		ID: "MRL-FORM-022", Property: check.Availability, Severity: check.Low,
		Title:  "a body or a field over its limit",
		Why:    "memory that one visitor may take is memory that others lack",
		Attack: "Posts large bodies from many connections.",
		Wrong:  "a body of 2 MiB, a field of 65 KiB",
		Right:  "Stay below (1 MiB a body, 64 KiB a field), or widen the limits of the one route that needs it.",
		Source: "OWASP ASVS 5.0 4.2.5, 15.2.2; CWE-770",
	}
	RuleTooMany = check.Rule{
		ID: "MRL-FORM-023", Property: check.Availability, Severity: check.Low,
		Title:  "too many fields, or a name that is too long",
		Why:    "200 fields with names of 256 bytes are more than any form has; the rest only costs time",
		Attack: "Sends ten thousand fields whose names collide in a table.",
		Wrong:  "x=1&x=1&x=1& … 201 times",
		Right:  "Fewer fields, or wider limits for the one route that needs them.",
		Source: "CWE-770; CVE-2011-3414 (hash flooding)",
	}
	RuleMalformed = check.Rule{
		ID: "MRL-FORM-024", Property: check.Integrity, Severity: check.Low,
		Title:  "a body that parsers read in different ways",
		Why:    "where two parsers disagree, the filter in front and the site behind it see different forms",
		Attack: "Hides a field behind a semicolon, a bad escape, a second name or a cut multipart body.",
		Wrong:  "Text=a;Admin=1, Text=%zz, name=\"a\"; name=\"b\", Content-Transfer-Encoding in a part",
		Right:  "Send the form as browsers do.",
		Source: formEncoding + "; golang/go#25192",
	}
	RuleTwice = check.Rule{
		ID: "MRL-FORM-025", Property: check.Integrity, Severity: check.Low,
		Title:  "a field given twice",
		Why:    "one program takes the first, another the last: what was checked may not be what is used",
		Attack: "Sends price=100&price=1 (parameter pollution).",
		Wrong:  "Text=a&Text=b for a field that is no list",
		Right:  "Send it once; a field that may come more than once is a slice with max_items. No hidden 0 before a checkbox.",
		Source: "CWE-235; OWASP ASVS 5.0 15.3.7",
	}
	RuleUndeclared = check.Rule{
		ID: "MRL-FORM-026", Property: check.Integrity, Severity: check.Medium,
		Title:  "a field that the form does not have",
		Why:    "what the form's struct does not name is not bound; somebody tried it, or the page and the struct have drifted apart",
		Attack: "Adds is_admin=1, user[role]=admin or _method=DELETE to a request.",
		Wrong:  "Text=a&is_admin=1",
		Right:  "Nothing, if it was a try. If the page sends it, add the field to the struct or take the control from the page.",
		Source: massAssignment,
	}
	RuleSeal = check.Rule{
		ID: "MRL-FORM-027", Property: check.Integrity, Severity: check.Medium,
		Title:  "a sealed field that was changed, left out or sealed for another place",
		Why:    "a hidden value is the server's own; a visitor can only send it back",
		Attack: "Changes the id or the price in a hidden field, or takes one from another form.",
		Wrong:  "Ref=1 where the page printed a sealed value",
		Right:  "Load the page again. In a handwritten page print the field with {{field}}: only that seals it.",
		Source: "CWE-472; OWASP ASVS 5.0 2.2.2",
	}
	RuleFile = check.Rule{
		ID: "MRL-FORM-028", Property: check.Integrity, Severity: check.Low,
		Title:  "a file sent for a field that takes text",
		Why:    "a part with a file name is a file; reading it as text would pass it by every rule for files",
		Attack: "Sends a file where the filter in front looks only at texts.",
		Wrong:  "name=\"Text\"; filename=\"a.txt\"",
		Right:  "Send it as text.",
		Source: formEncoding,
	}
	RulePath = check.Rule{
		ID: "MRL-FORM-029", Property: check.Integrity, Severity: check.Low,
		Title:  "an address whose path value is not of its type",
		Why:    "there is nothing at such an address",
		Attack: "Tries /notes/1e3, /notes/%2e%2e or /notes/٣ in the hope that some layer reads it in another way.",
		Wrong:  "/notes/abc for {id} of type int64",
		Right:  "Link with a value of the field's type. The answer is 404.",
		Source: "OWASP ASVS 5.0 2.2.1",
	}
	RuleQuery = check.Rule{
		ID: "MRL-FORM-030", Property: check.Integrity, Severity: check.Low,
		Title:  "a query value that breaks the rules of its field",
		Why:    "a GET has no form to show again, and a default in its place would answer another question than was asked",
		Attack: "Sends a page number, an order or a length that the program did not expect.",
		Wrong:  "?page=-1, ?sort=password, ?q= twice",
		Right:  "Link with values that the struct allows. The answer is 400.",
		Source: "OWASP ASVS 5.0 2.2.1; CWE-235",
	}
)

// The rules of a body that is JSON.
var (
	RuleJSONType = check.Rule{
		ID: "MRL-FORM-031", Property: check.Integrity, Severity: check.Low,
		Title:  "a body that is not of the type of a JSON route",
		Why:    "browsers post text/plain and forms to any site without asking it first; application/json they ask for",
		Attack: "Another site's page posts JSON as text/plain in the visitor's name, past every preflight.",
		Wrong:  "Content-Type: text/plain with {\"Text\": \"a\"}",
		Right:  "Content-Type: application/json, and the token in the header Merlon-Token.",
		Source: "Fetch 4.8 (CORS-safelisted request headers); OWASP CSRF Prevention Cheat Sheet",
	}
	RuleJSONValue = check.Rule{
		ID: "MRL-FORM-032", Property: check.Integrity, Severity: check.Low,
		Title:  "a JSON body that is read in different ways, or a value of another type than its field",
		Why:    "a program sent it and can mend it; guessing a type, or taking one of two readings, is how checks are passed by",
		Attack: "Sends {\"admin\": \"false\"}, half a surrogate pair, a second object behind the first, or a thousand brackets.",
		Wrong:  "{\"Votes\": \"3\"} for an int, {\"Text\": \"a\"} {}",
		Right:  "{\"Votes\": 3}: one object, UTF-8, each value of its field's type.",
		Source: "RFC 8259 4, 6, 8; OWASP ASVS 5.0 2.2.1, 15.3.7; CWE-674",
	}
	RuleSpool = check.Rule{
		ID: "MRL-FORM-033", Property: check.Availability, Severity: check.High,
		Title:  "an upload that the disk did not take",
		Why:    "uploads wait on the disk of the data while they are judged; where it is full or broken none can be taken",
		Attack: "Fills the disk by uploads from many accounts.",
		Wrong:  "a data folder on a full disk",
		Right:  "Make room in the data folder, and mend its rights: it is the site's alone, mode 0700.",
		Source: "OWASP File Upload Cheat Sheet; OWASP ASVS 5.0 5.2.1, 5.2.4; CWE-400",
	}
	RulePictures = check.Rule{
		ID: "MRL-FORM-034", Property: check.Availability, Severity: check.Low,
		Title:  "a picture that found no place in the line",
		Why:    "a picture takes the memory of its pixels while it is decoded: few are at a time, a bounded number waits, and no network has all places",
		Attack: "Posts large pictures one after the other and leaves, so that nobody else's is taken.",
		Wrong:  "twenty pictures of 50 million pixels at once",
		Right:  "Send the picture again later. On the field: pixels=12000000, so that each takes half a second.",
		Source: "OWASP File Upload Cheat Sheet; OWASP ASVS 5.0 5.2.6, 15.2.2; CWE-770",
	}
)

// Rules returns the rules of this room.
func Rules() []check.Rule {
	return []check.Rule{
		RuleUntagged, RuleNoLimit, RuleExclusion, RuleEmbedded, RuleType, RuleTag, RuleUpload, RuleStruct, RulePasswordQuery, RulePlainPassword,
		RuleMediaType, RuleContentEncoding, RuleTooLarge, RuleTooMany, RuleMalformed, RuleTwice, RuleUndeclared, RuleSeal,
		RuleFile, RulePath, RuleQuery, RuleJSONType, RuleJSONValue, RuleSpool, RulePictures,
	}
}
