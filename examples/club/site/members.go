package site

import (
	"errors"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// Member is one line of the members' list. What a member does not want shown is not in it.
type Member struct {
	ID    int64
	Name  string
	Boat  string
	Photo string // its file; "" for none
}

// MemberDetail is a member's page.
type MemberDetail struct {
	ID    int64
	Name  string
	Phone string
	Boat  string
	About string
	Photo string
}

// MembersInput is the search, the order and the place in the list.
type MembersInput struct {
	Q    string `query:"q,max=80"`
	Sort string `query:"sort,choices=name|boat|newest"`
	Page int    `query:"page,min=0,max=1000"`
}

type membersPage struct {
	Members []Member
	Q       string
	Sort    string
	Next    int // 0: no more
	Before  int
	First   bool
}

type memberPage struct{ Member MemberDetail }

// EditProfile is the form of one's own profile.
type EditProfile struct {
	Name  string `form:"required,max=80" label:"Name" autocomplete:"name"`
	Phone string `form:"max=40" label:"Telephone" autocomplete:"tel"`
	Boat  string `form:"choices=single|pair|four|eight" label:"Favourite boat"`
	About string `form:"lines,max=1000" label:"About me"`
	Shown bool   `form:"" label:"Other members may see this"`
}

type profileRow struct {
	Phone string
	Boat  string
	About string
	Shown bool
}

type profilePage struct {
	Form  form.Form[EditProfile]
	Photo form.Form[NewPhoto]
	Own   int64 // whose photo is shown; 0: there is none
}

const membersAtOnce = 20

var (
	membersView = page.New[membersPage](pages, "members.html")
	memberView  = page.New[memberPage](pages, "member.html")
	profileView = page.New[profilePage](pages, "profile.html")

	membersQuery = db.Query[Member](schema, `SELECT m.id, m.name, CASE WHEN p.shown = 1 THEN p.boat ELSE '' END AS boat,
		CASE WHEN p.shown = 1 THEN p.photo ELSE '' END AS photo
		FROM merlon_member m LEFT JOIN profile p ON p.member = m.id
		WHERE m.name LIKE $1 ESCAPE '\' ORDER BY {0} LIMIT $2 OFFSET $3`,
		db.Choice{"": "m.name, m.id", "boat": "boat, m.name, m.id", "newest": "m.id DESC"})
	memberQuery = db.Query[MemberDetail](schema, `SELECT m.id, m.name,
		CASE WHEN p.shown = 1 THEN p.phone ELSE '' END AS phone,
		CASE WHEN p.shown = 1 THEN p.boat ELSE '' END AS boat,
		CASE WHEN p.shown = 1 THEN p.about ELSE '' END AS about,
		CASE WHEN p.shown = 1 THEN p.photo ELSE '' END AS photo
		FROM merlon_member m LEFT JOIN profile p ON p.member = m.id WHERE m.id = $1 LIMIT 1`)
	profileOf  = db.Query[profileRow](schema, "SELECT phone, boat, about, shown FROM profile WHERE member = $1 LIMIT 1")
	saveProfil = db.Exec(schema, "INSERT INTO profile (member, phone, boat, about, shown) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (member) DO UPDATE SET phone = $2, boat = $3, about = $4, shown = $5")
)

func listOfMembers(r *merlon.Read[account.User], in MembersInput) (*merlon.Response, error) {
	list, err := membersQuery.Choose(in.Sort).All(r.DB, db.Contains(in.Q), membersAtOnce+1, in.Page*membersAtOnce)
	if err != nil {
		return nil, err
	}
	p := membersPage{Members: list, Q: in.Q, Sort: in.Sort, First: in.Page == 0, Before: max(0, in.Page-1)}
	if len(list) > membersAtOnce {
		p.Members, p.Next = list[:membersAtOnce], in.Page+1
	}
	return merlon.Show(membersView, p), nil
}

func oneMember(r *merlon.Read[account.User], in ByID) (*merlon.Response, error) {
	m, err := memberQuery.One(r.DB, in.ID)
	return merlon.Show(memberView, memberPage{m}), err
}

func showProfile(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	p, err := profileData(r.DB, r.User)
	return merlon.Show(profileView, p), err
}

// profileData is the page of a member's own profile as it is kept.
func profileData(from db.Querier, u account.User) (p profilePage, err error) {
	row, err := profileOf.One(from, u.ID)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return p, err
	}
	p.Form = form.New(EditProfile{Name: u.Name, Phone: row.Phone, Boat: row.Boat, About: row.About, Shown: row.Shown})
	has, err := hasPhoto(from, u.ID)
	if has {
		p.Own = u.ID
	}
	return p, err
}

func saveProfile(w *merlon.Write[account.User], f form.Form[EditProfile]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		p, err := profileData(w.DB, w.User)
		p.Form = f
		return merlon.ShowStatus(422, profileView, p), err
	}
	if err := account.Rename(w.DB, w.User.ID, in.Name); err != nil {
		return nil, err
	}
	_, err := saveProfil.Run(w.DB, w.User.ID, in.Phone, in.Boat, in.About, in.Shown)
	return merlon.Redirect("/profile").NoticeText("club.said.profile"), err
}
