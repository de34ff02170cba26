package site

import (
	"context"
	"fmt"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/secret"
)

// demoPassword is the one password of the three accounts that --demo prints.
const demoPassword = "harbour lantern seven oars"

var demoPeople = []struct {
	email, name string
	roles       []string
}{
	{"ann@club.example", "Ann Archer", nil},
	{"ben@club.example", "Ben Boatwright", []string{"board"}},
	{"cleo@club.example", "Cleo Cox", []string{account.Admin}},
}

// demo fills an empty club with 50 members, news and outings, and says which accounts can be tried.
func demo(ctx context.Context, h *merlon.House) ([][2]string, error) {
	hash, err := account.HashFor(ctx, h, secret.New(demoPassword))
	if err != nil {
		return nil, err
	}
	filled := false
	err = h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		any, err := account.List(w, 1) // also accounts that are not members yet
		if err != nil || len(any) > 0 {
			return err
		}
		filled = true
		return fillDemo(w, h.Clock(), hash)
	})
	if err != nil || !filled {
		return nil, err
	}
	lines := [][2]string{}
	for _, p := range demoPeople {
		who := "a member"
		if len(p.roles) > 0 {
			who = p.roles[0]
		}
		line := fmt.Sprintf("%s   password: %s", p.email, demoPassword)
		if who == account.Admin {
			line += "   (sets up an authenticator app first)"
		}
		lines = append(lines, [2]string{"try " + who, line})
	}
	return lines, nil
}

func fillDemo(w *db.Writer, now time.Time, hash string) error {
	first := []string{"Dora", "Emil", "Finn", "Greta", "Hanno", "Ida", "Jonas", "Karla", "Lars", "Mila"}
	last := []string{"Anker", "Bruhn", "Carstens", "Decker", "Ehlers"}
	boats := []string{"", "single", "pair", "four", "eight"}
	var ids []int64
	add := func(email, name, hash string, roles ...string) error {
		id, err := account.Create(w, email, name, hash, now, roles...)
		if err != nil {
			return err
		}
		ids = append(ids, id)
		_, err = saveProfil.Run(w, id, fmt.Sprintf("0461 %05d", 10000+37*len(ids)), boats[len(ids)%len(boats)], "On the water since "+fmt.Sprint(1990+len(ids)%30)+".", len(ids)%3 != 0)
		return err
	}
	for _, p := range demoPeople {
		if err := add(p.email, p.name, hash, p.roles...); err != nil {
			return err
		}
	}
	for i := len(demoPeople); i < 50; i++ {
		f, l := first[i%len(first)], last[i/len(first)%len(last)]
		if err := add(fmt.Sprintf("member%d@club.example", i), f+" "+l, account.NoPassword); err != nil {
			return err
		}
	}
	news := [][2]string{
		{"The boathouse has a new roof", "After three weekends on the ladder it is done. Thank you to all who carried, hammered and cooked.\n\nThe old tiles are free to take."},
		{"Winter training begins", "From Monday we meet at seven in the evening in the school's gymnasium. Bring indoor shoes."},
		{"A new four", "The club has bought a second-hand four. She has no name yet: write your idea below."},
		{"Regatta: two medals", "Our juniors came home with silver and bronze. We are proud of them."},
	}
	for i, n := range news {
		id, err := insertNews.Run(w, ids[1], n[0], n[1], now.Add(-time.Duration(len(news)-i)*72*time.Hour))
		if err != nil {
			return err
		}
		for j := range i + 1 {
			if _, err := insertComment.Run(w, id, ids[(7*i+j)%len(ids)], "Well done, and thank you!", now.Add(-time.Duration(j)*time.Hour)); err != nil {
				return err
			}
		}
	}
	outings := []struct {
		title, place string
		in, places   int
	}{{"Sunrise row to the lighthouse", "Boathouse, slip 2", 9, 8}, {"Moonlight paddle", "Town quay", 16, 4}, {"Three lakes tour", "Railway station", 40, 20}}
	for i, o := range outings {
		id, err := insertOuting.Run(w, o.title, o.place, now.AddDate(0, 0, o.in).Format(time.DateOnly), o.places, "Warm clothes, a bottle of water and a good mood. Beginners are welcome.")
		if err != nil {
			return err
		}
		for j := range o.places - i {
			if _, err := insertSeat.Run(w, id, ids[(5*j+i)%len(ids)]); err != nil {
				return err
			}
		}
	}
	_, err := insertMessage.Run(w, "Nora Neumann", "nora@example.org", "Do you teach grown-ups who have never sat in a boat?", now.Add(-5*time.Hour))
	return err
}
