package page

import "strings"

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// The elements of WHATWG HTML, sorted by how a parser treats them (13.2.6.4). What is not here and has no hyphen in its
// name does not exist.
var (
	voidElements = set("area base br col embed hr img input link meta source track wbr")

	knownElements = set(`a abbr address area article aside audio b bdi bdo blockquote body br button canvas caption cite code
		col colgroup data datalist dd del details dfn dialog div dl dt em fieldset figcaption figure footer form h1 h2 h3 h4
		h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map mark math menu meta meter nav
		noscript ol optgroup option output p picture pre progress q rp rt ruby s samp script search section select slot
		small source span strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr
		track u ul var video wbr`)

	// refusedElements are known, and no page has them.
	refusedElements = map[string]string{
		"applet": "plug-ins are gone", "embed": "the page's policy blocks plug-ins", "object": "the page's policy blocks plug-ins",
		"param": "the page's policy blocks plug-ins", "frame": "frames are gone", "frameset": "frames are gone",
		"noframes": "its content is text to one reader and markup to another", "noembed": "its content is text to one reader and markup to another",
		"xmp": "its content is text to browsers; write pre and code", "plaintext": "it has no end", "listing": "write pre",
		"image": "browsers take it for img", "isindex": "it is gone", "keygen": "it is gone", "nobr": "write a class with white-space: nowrap",
		"marquee": "it is gone", "blink": "it is gone", "font": "write a class", "center": "write a class", "big": "write a class",
		"strike": "write s or del", "tt": "write code", "dir": "write ul", "acronym": "write abbr", "basefont": "it is gone",
		"bgsound": "it is gone", "menuitem": "it is gone", "rb": "write ruby with rt", "rtc": "write ruby with rt",
		"base": "",
	}

	// closesP end an open p (13.2.6.4.7: "has a p element in button scope").
	closesP = set(`address article aside blockquote dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3
		h4 h5 h6 header hgroup hr li main menu nav ol p pre search section summary table ul`)

	// implied are ended by the end of what is around them ("generate implied end tags").
	implied = set("dd dt li optgroup option p rp rt")

	// blocks are the elements whose end tag ends implied ones within them.
	blocks = set(`address article aside blockquote button details dialog div dl fieldset figcaption figure footer form header
		hgroup main menu nav ol pre search section select summary ul li dd dt h1 h2 h3 h4 h5 h6 ruby`)

	// special are where the search for an open li, dd or dt ends.
	specials = set(`address article aside blockquote body button caption col colgroup dd details div dl dt fieldset figcaption
		figure footer form h1 h2 h3 h4 h5 h6 head header hgroup html iframe li main menu nav noscript ol p pre search
		section select summary table tbody td template textarea tfoot th thead tr ul`)

	headings = set("h1 h2 h3 h4 h5 h6")

	headElements = set("meta link title style script noscript template")

	// scopes are where the search for an open p, button or a ends.
	scopes = set("table caption td th template")

	// tableParts may only stand in these (template, and the outside of a fragment, may hold any).
	tableParts = map[string]string{
		"caption": "table", "colgroup": "table", "thead": "table", "tbody": "table", "tfoot": "table",
		"tr": "table thead tbody tfoot", "td": "tr", "th": "tr", "col": "colgroup table",
	}

	// onlyChildren are what these may hold, and no text.
	onlyChildren = map[string]map[string]bool{
		"table":    set("caption colgroup col thead tbody tfoot tr script template"),
		"thead":    set("tr script template"),
		"tbody":    set("tr script template"),
		"tfoot":    set("tr script template"),
		"tr":       set("td th script template"),
		"colgroup": set("col"),
		"select":   set("option optgroup hr"),
		"optgroup": set("option"),
		"option":   set(""),
	}

	// tableEnds are ended by the end of what is around them in a table.
	tableEnds = map[string]map[string]bool{
		"table": set("td th tr thead tbody tfoot colgroup"), "thead": set("td th tr"), "tbody": set("td th tr"),
		"tfoot": set("td th tr"), "tr": set("td th"),
	}

	// startEnds are ended by the beginning of their like.
	startEnds = map[string]map[string]bool{
		"tr": set("td th tr colgroup"), "td": set("td th"), "th": set("td th"),
		"thead": set("td th tr thead tbody tfoot colgroup"), "tbody": set("td th tr thead tbody tfoot colgroup"),
		"tfoot": set("td th tr thead tbody tfoot colgroup"), "colgroup": set("colgroup"),
		"option": set("option"), "optgroup": set("option optgroup"), "rt": set("rt rp"), "rp": set("rt rp"),
	}
)

// The elements of SVG and MathML that a page may have: none that runs, that sets attributes of others by data, or that
// leads back into HTML but title and desc, which hold text.
var (
	svgElements = set(`a animate animatetransform animatemotion circle clippath defs desc ellipse feblend fecolormatrix
		fecomponenttransfer fecomposite fedropshadow feflood fefunca fefuncb fefuncg fefuncr fegaussianblur femerge femergenode
		femorphology feoffset fetile feturbulence filter g image line lineargradient marker mask metadata mpath path pattern
		polygon polyline radialgradient rect set stop svg switch symbol text textpath title tspan use view`)
	svgText = set("text tspan textpath title desc a") // may hold text

	mathElements = set(`math maction menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow
		ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none semantics annotation`)
	mathText = set("mi mn mo ms mtext annotation")
)
