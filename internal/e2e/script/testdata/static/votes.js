const votes = document.getElementById("votes")
const said = document.getElementById("said")
let stars = 3
document.getElementById("vote").addEventListener("click", async () => {
	const answer = await fetch("/votes", {
		method: "POST",
		headers: {"Content-Type": "application/json", "Merlon-Token": votes.dataset.merlonToken},
		body: JSON.stringify({Text: "from a script", Stars: stars}),
	})
	votes.dataset.merlonToken = answer.headers.get("Merlon-Token") ?? votes.dataset.merlonToken
	const body = await answer.json()
	said.textContent = answer.status + " " + (body.problems ? body.problems.Stars : body.stars)
	stars++
})
