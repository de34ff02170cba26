package mutants

// copies are guards of backups.
var copies = []mutant{
	{"uploads in a point", "backup/uploads.go", `		default:
			own = append(own, s)
`, `		default:
			_ = s
`, "attack backup MRL-ATK-145"},
}
