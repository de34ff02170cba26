package password

import "strings"

// famous are passphrases and sentences that everybody knows: each is long enough, and among the first that are tried (NIST SP
// 800-63B-4 3.1.1.2: values known to be commonly used). The list of passwords has few of them, since it is made of what short
// rules let through. Letters only, in lower case: what stands between the words does not matter.
var famous = []string{
	// examples of good passwords, which are none since they were printed
	"correcthorsebatterystaple", "korrektpferdbatterieheftklammer", "richtigpferdbatterieklammer", "chevalcorrectagrafebatterie", "correctobateriacaballograpa",
	"trustnoonebutyourself", "thisismypassword", "thisisapassword", "thisisasecurepassword", "thisisastrongpassword", "thisisaverylongpassword", "mypasswordissecret", "mypasswordispassword",
	"iforgotmypassword", "ihatepasswords", "ihaterememberingpasswords", "changethispassword", "pleasechangeme", "enteryourpassword", "chooseagoodpassword", "letmeinplease", "opensesame",
	"dasistmeinpasswort", "diesistmeinpasswort", "meinpasswortistgeheim", "ichhabemeinpasswortvergessen", "passwortvergessen", "ichliebedichmeinschatz", "ichliebedichfuerimmer", "ichliebedichfürimmer",
	"iloveyouforever", "iloveyousomuch", "iloveyoutothemoonandback", "jesuslovesyou", "godisgoodallthetime", "imissyousomuch",
	// sentences that typists, printers and films made known
	"thequickbrownfoxjumpsoverthelazydog", "thequickbrownfoxjumpedoverthelazydog", "packmyboxwithfivedozenliquorjugs", "franzjagtimkomplettverwahrlostentaxiquerdurchbayern", "zwölfboxkämpferjagenviktorquerüberdengroßensylterdeich",
	"loremipsumdolorsitamet", "tobeornottobethatisthequestion", "seinodernichtseindasisthierdiefrage", "itwasthebestoftimesitwastheworstoftimes", "callmeishmael", "allyourbasearebelongtous",
	"maytheforcebewithyou", "maythefourthbewithyou", "openthepodbaydoorshal", "imafraidicantdothatdave", "iamyourfather", "houstonwehaveaproblem", "winteriscoming", "speakfriendandenter",
	"onesmallstepforman", "fourscoreandsevenyearsago", "wethepeopleoftheunitedstates", "inthebeginningwastheword", "inthebeginninggodcreated", "amanfangschufgott", "imanfangwardaswort", "ourfatherwhoartinheaven",
	"vaterunserimhimmel", "cogitoergosum", "carpediemquamminimumcredulapostero", "veniividivici", "nevergonnagiveyouup", "twinkletwinklelittlestar", "allemeineentchen", "supercalifragilisticexpialidocious",
	"donaudampfschifffahrtsgesellschaft", "rindfleischetikettierungsueberwachungsaufgaben", "llanfairpwllgwyngyll", "antidisestablishmentarianism", "howmuchwoodcouldawoodchuckchuck", "fischersfritzfischtfrischefische",
}

// isFamous reports whether a squeezed password is one of them, with a few characters around or without. Who adds words of
// their own may choose it.
func isFamous(squeezed []rune) bool {
	text := string(squeezed)
	for _, f := range famous {
		if before, after, found := strings.Cut(text, f); found && len(before)+len(after) < MinWithSecondFactor {
			return true
		}
	}
	return false
}
