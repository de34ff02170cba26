package file

import "github.com/merlon-web/merlon/db"

// OnStep has do called at each step of keeping and collecting.
func (s *Store) OnStep(do func(step string)) { s.step = do }

// OnFree has a function say how much is free on the disk.
func (s *Store) OnFree(say func() int64) { s.free = func(string) int64 { return say() } }

var insertOld = db.Exec(schema, "INSERT INTO merlon_file (name, hash, type, size, width, height, client, created) VALUES ($1, '', '', $2, 0, 0, '', 0)")

// InsertOld writes a row as it was written before owners were noted.
func InsertOld(w *db.Writer, name string, size int64) error {
	_, err := insertOld.Run(w, name, size)
	return err
}
