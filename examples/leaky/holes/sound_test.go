package holes_test

import (
	"archive/zip"
	"net/url"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/examples/leaky/holes"
)

// sound tries the attack that each sound spot seems to invite: true when it failed.
var sound = map[string]func(k *kit) bool{
	"S01": func(k *kit) bool {
		b := k.browser()
		return b.get("/events?sort="+url.QueryEscape("(SELECT 1/0)")).text == b.get("/events?sort=day").text
	},
	"S02": func(k *kit) bool {
		b := k.as(3)
		b.post("/profile/edit", "name", `</script>"+alert(1)+"`)
		a := strings.ReplaceAll(b.get("/members/3").text, `\"`, "") // a quote that is escaped ends no string
		return strings.Count(a, "</script>") == 1 && strings.Contains(a, "alert(1)") && !strings.Contains(a, `"+alert(1)`)
	},
	"S03": func(k *kit) bool {
		b := k.browser()
		return !strings.Contains(b.get("/news?tag=%25").text, "Summer") && !strings.Contains(b.get("/news?tag=%27").text, "error")
	},
	"S04": func(k *kit) bool {
		a := k.as(3).form("/events/new", "/events/new", "title", "x\r\nATTENDEE:y"+script, "day", "2026-07-01")
		c := k.browser().get(a.header("Location") + "/calendar.ics")
		return !strings.Contains(c.text, "\nATTENDEE") && c.header("X-Content-Type-Options") == "nosniff" && strings.HasPrefix(c.header("Content-Disposition"), "attachment")
	},
	"S05": func(k *kit) bool {
		b := k.browser()
		b.post("/language", "language", script)
		return b.cookies["language"] == ""
	},
	"S06": func(k *kit) bool {
		return k.browser().get("/sponsors/"+url.PathEscape("https://evil.example")).Code == 404
	},
	"S07": func(k *kit) bool {
		a := k.as(3).get("/api/events", "Origin", "https://evil.example")
		return a.header("Access-Control-Allow-Origin") == "*" && a.header("Access-Control-Allow-Credentials") == "" && !strings.Contains(a.text, "wner")
	},
	"S08": func(k *kit) bool { return k.browser().get("/version").text == "club 3\n" },
	"S09": func(k *kit) bool {
		k.as(3).post("/news/1/comment", "body", script)
		a := k.browser().get("/comments/3/raw")
		return a.text == script && a.header("Content-Type") == "text/plain; charset=utf-8" && a.header("X-Content-Type-Options") == "nosniff"
	},
	"S10": func(k *kit) bool {
		k.browser().post("/unsubscribe", "email", "reader@mail.example", "secret", "guess")
		return k.count("SELECT active FROM subscribers") == 1
	},
	"S11": func(k *kit) bool {
		b := k.browser()
		return b.get("/handbook?page=../settings.conf").Code == 404 && b.get("/handbook?page=/etc/passwd").Code == 404
	},
	"S12": func(k *kit) bool {
		k.as(2).form("/admin/news/new", "/admin/news/new", "title", "T", "body", script)
		return !strings.Contains(k.browser().get("/news/4").text, script)
	},
	"S13": func(k *kit) bool {
		b := k.browser()
		return !strings.Contains(b.get("/handbook/count?q=--version").text, "GNU") && !strings.Contains(b.get("/handbook/count?q=;id").text, "uid=")
	},
	"S14": func(k *kit) bool {
		b := k.as(3)
		b.form("/events/new", "/events/new", "title", "=1+1", "day", "2026-07-01")
		return strings.Contains(b.get("/events.csv").text, "\n'=1+1,")
	},
	"S15": func(k *kit) bool {
		forged := k.as(1).post("/admin/users/3/role", "role", "admin")
		b := k.as(3)
		member := b.form("/profile/", "/admin/users/3/role", "role", "admin")
		return forged.Code == 403 && member.Code == 403 && k.text("SELECT role FROM users WHERE id = 3") == "member"
	},
	"S16": func(k *kit) bool {
		a := k.as(3).form("/events/new", "/events/new", "title", "T", "day", "2026-07-01", "invite", "0)OR(1=1")
		return a.Code == 422 && k.count("SELECT count(*) FROM invitations") == 0
	},
	"S17": func(k *kit) bool { return !strings.Contains(k.as(3).get("/members/4").text, "ben@club.example") },
	"S18": func(k *kit) bool {
		a := k.as(3)
		a.upload("/files", "/files", "file", "a;b.txt", []byte("x"))
		got := a.get("/download?name=" + url.QueryEscape("a;b.txt"))
		return got.header("Content-Disposition") == `attachment; filename="a;b.txt"`
	},
	"S19": func(k *kit) bool {
		k.as(3).upload("/files", "/files", "file", "minutes.txt", []byte("x"))
		text := k.browser().get("/handbook.zip").text
		z, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
		return err == nil && len(z.File) == 2 && z.File[0].Name == "boats.txt" && z.File[1].Name == "house.txt"
	},
}

// What only looks wrong holds when it is tried.
func TestSound(t *testing.T) {
	for _, s := range holes.Sound {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			try := sound[s.ID]
			if try == nil {
				t.Fatal("nothing tries it")
			}
			if !try(open(t)) {
				t.Errorf("%s is a hole after all: %s", s.Looks, s.Because)
			}
		})
	}
	if len(sound) != len(holes.Sound) {
		t.Errorf("%d are tried, %d are listed", len(sound), len(holes.Sound))
	}
}
