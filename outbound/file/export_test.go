package file

// OnStep has do called at each step of keeping and collecting.
func (s *Store) OnStep(do func(step string)) { s.step = do }
