// The page that loads this may use what its files open.
