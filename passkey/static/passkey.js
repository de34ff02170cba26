// Passkeys: what the authenticator answers goes into a hidden field of an ordinary form, and the form is sent.
(async () => {
  const $ = id => document.getElementById('passkey-' + id);
  const form = $('form'), kinds = window.PublicKeyCredential;
  if (!form || !kinds?.parseRequestOptionsFromJSON || !kinds.prototype.toJSON) return; // the page says what to do without
  const ask = JSON.parse($('ask').textContent), begun = Date.now();
  const show = id => ['off', 'elsewhere', 'known', 'failed'].forEach(x => { if ($(x)) $(x).hidden = x !== id; });
  const name = ask.rpId || ask.rp.id;
  if (location.hostname !== name) return show('elsewhere'); // also below it: the server takes its own origin only
  form.hidden = false;
  show();

  let waiting; // the request behind the list that browsers open below the address field
  const answer = async mediation => {
    waiting?.abort();
    const stop = waiting = new AbortController();
    const request = { signal: stop.signal, mediation };
    try {
      if (ask.user) delete request.mediation;
      const key = ask.user
        ? await navigator.credentials.create({ ...request, publicKey: kinds.parseCreationOptionsFromJSON(ask) })
        : await navigator.credentials.get({ ...request, publicKey: kinds.parseRequestOptionsFromJSON(ask) });
      form.elements.Answer.value = JSON.stringify(key.toJSON());
      form.requestSubmit();
    } catch (e) {
      if (stop.signal.aborted || mediation === 'conditional') return;
      show(e.name === 'InvalidStateError' ? 'known' : 'failed');
    }
  };
  form.addEventListener('submit', e => {
    if (form.elements.Answer.value) return;
    e.preventDefault();
    if (Date.now() - begun > 270000) return location.assign(location.href); // the challenge is about to be too old
    answer('optional');
  });
  addEventListener('pageshow', e => { if (e.persisted) location.assign(location.href); }); // so is one come back to

  const field = document.querySelector('input[autocomplete=username]');
  if (field && !ask.user && await kinds.isConditionalMediationAvailable?.()) {
    field.autocomplete = 'username webauthn';
    answer('conditional');
    const own = waiting;
    setTimeout(() => own.abort(), 270000);
  }
})();
