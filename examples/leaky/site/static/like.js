document.getElementById("like").addEventListener("click", function (e) {
  fetch(e.target.dataset.address, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"up":true}' });
});
