package host

import "fmt"

// unseen says which fact that a rule's check asks for could not be read, "" if all could.
func (f Facts) unseen(id string) string {
	no := func(is bool, what string) string {
		if is {
			return what + " could not be read"
		}
		return ""
	}
	switch id {
	case RuleUmask.ID:
		return no(f.Umask < 0, "the umask")
	case RuleCore.ID:
		return no(f.Core < 0, "the limit of core dumps")
	case RuleFiles.ID:
		return no(f.Files < 0, "the limit of open files")
	case RuleLimit.ID:
		return no(f.Memory < 0, "how much memory there is")
	case RuleProgram.ID:
		return no(f.Mode < 0, "the mode of the program's file")
	case RuleFolder.ID:
		return no(f.Folder < 0, "the mode of the program's folder")
	case RuleClock.ID:
		return no(f.Built.IsZero(), "when the program's sources were committed")
	case RuleUnsynced.ID:
		return no(f.Synced < 0, "the state of the clock")
	case RulePrivileges.ID:
		return no(f.NoNew < 0, "whether the process can gain rights")
	case RuleCaps.ID:
		return no(f.Caps < 0, "the capabilities of the process")
	case RulePtrace.ID:
		return no(f.Ptrace < 0, "kernel.yama.ptrace_scope")
	case RuleSwap.ID:
		return no(f.NoSwaps, "what is swapped to")
	case RuleReadOnly.ID:
		return f.Data.missing()
	case RuleOpen.ID:
		if why := f.Data.missing(); why != "" {
			return why
		}
		if f.Data.Looked > manyFiles {
			return fmt.Sprintf("of the files in the folders of the data folder no more than %d were looked at", manyFiles)
		}
	case RuleSpace.ID, RuleVolatile.ID, RuleLayer.ID, RuleNetwork.ID:
		if why := f.Data.missing(); why != "" {
			return why
		}
		return no(f.Data.Free < 0, "what file system the data folder lies on")
	case RuleInodes.ID:
		if why := f.Data.missing(); why != "" {
			return why
		}
		return no(f.Data.Inodes < 0, "how many files can be made")
	}
	return ""
}

// missing says that there is no data folder.
func (d Data) missing() string {
	if d.Path == "" {
		return "the data folder is not there"
	}
	return ""
}
