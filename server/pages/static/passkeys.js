// Passkeys (WebAuthn 3): the page carries the options, the answer goes back as a field of the same form.
"use strict";

const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const withIds = (list) => (list || []).map((each) => ({ ...each, id: bytesOf(each.id) }));

const answerOf = (credential) => {
  const response = { clientDataJSON: textOf(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = textOf(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: textOf(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  });
};

const WORDS = {
  NotAllowedError: "The passkey was not used: the request was cancelled or took too long.",
  InvalidStateError: "This device already has a passkey for this account.",
  SecurityError: "This address cannot use passkeys.",
  NotSupportedError: "This device cannot make a passkey that works here.",
};

const setUp = (form, ask) => {
  const button = form.querySelector("[data-passkey-button]");
  const help = form.querySelector("[data-passkey-help]");
  let waiting = null;
  let asking = false;
  let sent = false;
  form.hidden = button.hidden = false;
  const say = (text) => {
    help.textContent = text;
  };
  const send = (credential) => {
    if (!credential || sent) return;
    sent = true; // a challenge serves once, so the form goes once
    form.elements.passkey.value = answerOf(credential);
    form.submit();
  };
  const askNow = async () => {
    if (waiting) waiting.abort();
    if (sent || asking) return;
    // The button stays enabled: one that is disabled loses the focus (WCAG 2.2, 2.4.3).
    asking = true;
    say("");
    try {
      send(await ask({}));
    } catch (error) {
      say(WORDS[error.name] || "The passkey could not be used.");
      button.focus();
    } finally {
      asking = false;
    }
  };
  button.addEventListener("click", askNow);
  form.addEventListener("submit", (event) => {
    // Enter in the name's field: a form without a submit button of its own means the passkey.
    if (event.submitter || form.querySelector("[type=submit]")) return;
    event.preventDefault();
    if (!button.disabled) askNow();
  });
  if (!window.PublicKeyCredential) {
    button.disabled = true;
    say("This browser has no passkeys.");
    return;
  }
  return async () => {
    // The browser offers passkeys in the e-mail field by itself; silence is right when it cannot, or there is no such field.
    if (!form.querySelector("[autocomplete~=webauthn]") || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    waiting = new AbortController();
    ask({ mediation: "conditional", signal: waiting.signal }).then(send, () => {});
  };
};

for (const form of document.querySelectorAll("form[data-passkey-get]")) {
  const options = JSON.parse(form.dataset.passkeyGet);
  const publicKey = { ...options, challenge: bytesOf(options.challenge), allowCredentials: withIds(options.allowCredentials) };
  setUp(form, (more) => navigator.credentials.get({ publicKey, ...more }))?.();
}

for (const form of document.querySelectorAll("form[data-passkey-create]")) {
  const options = JSON.parse(form.dataset.passkeyCreate);
  const publicKey = {
    ...options,
    challenge: bytesOf(options.challenge),
    user: { ...options.user, id: bytesOf(options.user.id) },
    excludeCredentials: withIds(options.excludeCredentials),
  };
  setUp(form, () => navigator.credentials.create({ publicKey }));
}
