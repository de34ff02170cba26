package merlon

import "sort"

// Routes returns the access table, sorted by pattern.
func (s *Site) Routes() []RouteInfo {
	whose := map[*route]string{}
	for _, p := range s.cfg.Parts {
		for _, r := range p.Routes {
			whose[r.r] = string(p.Name)
		}
	}
	for _, r := range s.cfg.Routes {
		whose[r.r] = ""
	}
	all := make([]RouteInfo, 0, len(s.routes))
	for _, rt := range s.routes {
		info := rt.info()
		part, known := whose[rt]
		if !known {
			part = "merlon"
		}
		info.Part = part
		all = append(all, info)
	}
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].Pattern != all[j].Pattern {
			return all[i].Pattern < all[j].Pattern
		}
		return all[i].Method < all[j].Method
	})
	return all
}
