// The TypeScript SDK's client for one call: prints where to sign in, reads the code, and prints each scope and the answer at the end.
import { createInterface } from "node:readline";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";

const [url, redirectUrl, call] = process.argv.slice(2);
const say = (kind, value) => process.stdout.write(`${JSON.stringify({ [kind]: value })}\n`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const kept = {};
const authProvider = {
  redirectUrl,
  clientMetadata: { client_name: "TypeScript flow test", redirect_uris: [redirectUrl], token_endpoint_auth_method: "none" },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client; },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens; say("scope", tokens.scope); },
  redirectToAuthorization: (address) => say("authorize", address.href),
  saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
  codeVerifier: () => kept.verifier,
};

for (let attempt = 0; attempt < 4; attempt += 1) {
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  const client = new Client({ name: "typescript-flow", version: "1" });
  try {
    await client.connect(transport);
    say("answer", (await client.callTool(JSON.parse(call))).structuredContent);
    await client.close();
    process.exit(0);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await transport.finishAuth(new URLSearchParams((await lines.next()).value));
  }
}
process.exit(1);
