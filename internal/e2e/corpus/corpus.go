// Package corpus holds texts for the tests of everything that takes data from visitors: those that would be code somewhere, and
// those that honest people type and that look like code.
package corpus

import "strings"

// Hostile are texts that are code to SQL, RESP and Lua, LDAP, a command line, SMTP, an address, a path or a spreadsheet.
func Hostile() (all []string) {
	for _, one := range [][]string{sql, resp, ldap, argv, smtp, address, path, cell} {
		all = append(all, one...)
	}
	return all
}

var (
	sql = []string{"' OR '1'='1", "' OR 1=1 --", "'; DELETE FROM note; --", "'; DROP TABLE note CASCADE; --", "\"; DELETE FROM note; --", "1; COMMIT; DELETE FROM note", "' UNION SELECT text FROM note --",
		"\\'; DELETE FROM note; --", "\xbf' OR 1=1 --", "$1", "$2", "{0}", "?", ":author", "$$; DELETE FROM note; $$", "E'\\x27'", "'/**/OR/**/'a'='a", "%", "_", "%%' ESCAPE '", "canary' --", "(SELECT text FROM note)", "id; DELETE FROM note",
		"text DESC, (SELECT 1)", "1) OR (1=1", "x' AND pg_sleep(9) --", "'||(SELECT author FROM note)||'", "canary\x00"}
	resp = []string{"\r\nFLUSHALL\r\n", "x\r\n*1\r\n$8\r\nFLUSHALL\r\n", "$-1\r\n", "+OK\r\n", "*", "[a-z]*", "{canary}", "canary}:item:{1", "'); redis.call('FLUSHALL'); ('", "]] redis.call('FLUSHALL') --[[", "EX 1", "\x00FLUSHALL"}
	ldap = []string{"*)(uid=*", "ann)(objectClass=*", "*)(|(objectClass=*", "\\2a", "ann\x00", "ann,ou=admins", "+cn=root", "#0403616e6e", " ann", "ann ", "\\2c", "(&)", "ann))(|(uid=*"}
	argv = []string{"-rf", "--output=/tmp/merlon-corpus", "-", "--", "; touch /tmp/merlon-corpus", "$(touch /tmp/merlon-corpus)", "`touch /tmp/merlon-corpus`", "| sh", "&& sh", "> /tmp/merlon-corpus", "%n%n%s", "\\x41\\n", "~/.ssh", "@/etc/passwd"}
	smtp = []string{"Hi\r\nBcc: all@x.test", "Hi\nBcc: all@x.test", "Hi\r\n\r\n<script>", "=?utf-8?q?=0D=0ABcc:_all=40x.test?=", "a@x.test,b@x.test", "a@x.test> SIZE=1", "a@x.test\r\nRCPT TO:<b@x.test>", "Ann <a@x.test>, Eve <e@x.test>",
		"-oQ/tmp@x.test", "\r\n.\r\nMAIL FROM:<e@x.test>", "Hi\u0085Bcc: all@x.test"}
	address = []string{"..", ".", "../admin", "..%2fadmin", "a/../../admin", "@127.0.0.1/", "//127.0.0.1/", "x?q=other", "x#part", "x&q=other", "\\\\127.0.0.1\\x", "http://169.254.169.254/latest"}
	path    = []string{"../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "....//....//etc/passwd", "%2e%2e%2fetc%2fpasswd", "keys\x00.png", "con", "C:\\keys", "file:///etc/passwd", "a.php\x00.png"}
	cell    = []string{"=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "＝1+1", "\"\r\n=1+1", "a\",=1+1,\"", "=HYPERLINK(\"https://x.test\")"}
)

// Honest are texts of people: names, addresses of streets, questions, amounts, code that somebody asks about.
func Honest() []string { return strings.Split(strings.Trim(honest, "\n"), "\n") }

const honest = `
O'Brien
D'Arcy O'Neill-Smith
Müller-Lüdenscheidt
Nguyễn Thị Minh Khai
李小龍
Æsa Þórsdóttir
José María García y López
Null
None
undefined
true
0
00049 221 1234567
+49 221 1234567
-5 °C in the morning
=) see you on Sunday
@ann: thank you!
100% sure
50 % off_season
a_b
C:\boats\photos
5 > 3 and 2 < 4
Tom & Jerry
AT&T
Fish & Chips, 2 for £9.50
"quoted" and 'quoted'
„Guten Tag“, sagte sie
it's 5 o'clock
rock 'n' roll
C++ or C#?
SELECT a boat, then UPDATE your profile
DROP by at six; DELETE my old photo, please
INSERT coin
Union of rowers
ORDER BY phone
Robert'); that was the joke
-- a dash, and another --
/* no comment */
# 7 in the list
(see page 12)
[draft] rules of 2027
{curly}
50/50
and/or
12/24 Harbour Street
1st floor, flat #4
c/o Smith
Apt. 3;B
the * marks a must
What? When? Where?
Yes!
No...
wait…
a=b+c
x^2 + y^2 = z^2
1,234.56
1.234,56 €
$9.99
¥1000
~20 people
re: Re: AW: boats
Fwd: minutes of the meeting
Subject: outing
To: all members
mailto:ann@site.test
ann@site.test
ann+club@site.test
Ann <ann@site.test>
https://site.test/a?b=c&d=e#f
www.site.test
../ means the folder above
./run.sh does not start
ls -la shows nothing
--help is all it says
-v
$HOME is not set
$(date) in my script
` + "`code`" + `
a | b
a && b || c
>>> quoted text
<b>bold</b>
<3
:-)
;-)
\o/
¯\_(ツ)_/¯
👩‍🚀 and 👨‍👩‍👧
שלום
مرحبا
Ελληνικά
Кириллица
日本語の件名
café
naïve façade
½ price
10²
%20 stands in the address
&amp; stands on the page
GET and SET
KEYS are at the desk
FLUSH after use
EX 1 is the old boat
uid=ann
cn=boats, really
(&(a)(b))
12:30
2026-11-30
30.11.2026
v1.2.3-rc.1
line number one, and no more`
