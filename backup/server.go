package backup

import "github.com/merlon-web/merlon"

// onServer refuses what would look like a backup of a site whose rows are on a database server, and be none: a point holds
// the file of the database, and there is none.
func onServer(shared bool) error {
	if !shared {
		return nil
	}
	return merlon.Refuse("this site's rows are on a database server, of which backups, drills and restores are not built yet: back that server up by its own tools (pg_dump, or its archive), with the file keys of the data folder  %s", RuleOnServer.ID)
}
