package page

import (
	"fmt"
	"slices"
	"text/template/parse"

	"github.com/merlon-web/merlon/check"
)

// findings collects what is found, page by page. A shared template is compiled into every page, and what is wrong with it is
// told once: with the first page, and how many others have it too.
type findings struct {
	found []told
	at    map[spotOf]int // index in found
}

type told struct {
	check.Finding
	by     *declaration // of which page; nil: of the files
	others []*declaration
}

// spotOf is what one fault of a template has in common for all pages.
type spotOf struct{ id, where string }

func (l *findings) add(by *declaration, faults check.Faults) {
	for _, f := range faults {
		key := spotOf{f.ID, f.Where}
		i, known := l.at[key]
		switch {
		case slices.ContainsFunc(l.found, func(old told) bool { return old.Finding == f }):
		case known && l.found[i].by != by && l.found[i].by != nil:
			if first := &l.found[i]; !slices.Contains(first.others, by) {
				first.others = append(first.others, by)
			}
		default:
			if !known {
				if l.at == nil {
					l.at = map[spotOf]int{}
				}
				l.at[key] = len(l.found)
			}
			l.found = append(l.found, told{Finding: f, by: by})
		}
	}
}

func (l *findings) all() (all check.Faults) {
	for _, f := range l.found {
		switch n := len(f.others); n {
		case 0:
		case 1:
			f.What += fmt.Sprintf("; it is so for the data of %s too", f.others[0].name)
		default:
			f.What += fmt.Sprintf("; it is so for the data of %d other pages too", n)
		}
		all = append(all, f.Finding)
	}
	return all
}

// judgeShown tells of a page of which nothing is shown but its title: its templates have names that the layout does not call.
func (c *compiler) judgeShown(src *source) {
	if c.decl.fragment {
		return
	}
	for _, n := range c.trees[c.decl.name].Root.Nodes {
		switch n := n.(type) {
		case *parse.TemplateNode, *parse.CommentNode:
		case *parse.TextNode:
			if !blank(string(n.Text)) {
				return
			}
		default:
			return
		}
	}
	unused := ""
	for _, name := range names(src.trees) {
		switch {
		case name == c.decl.name || name == "title":
		case c.used[src.trees[name]]:
			return
		default:
			unused = name
		}
	}
	var called []string
	for name, tree := range c.trees {
		if src.trees[name] == nil && c.used[tree] && name != "title" {
			called = append(called, name)
		}
	}
	what, do := fmt.Sprintf("the page shows nothing of its own: no template of %s but its title is called", c.decl.name), `fill a block of the layout: {{define "main"}}…{{end}}`
	if unused != "" {
		what = fmt.Sprintf("the page shows nothing of its own: nothing calls its template %q", unused)
		do = didYouMean(unused, called, do)
	}
	c.file = src.file
	c.fault(RuleUnshown, 0, what, do)
}
