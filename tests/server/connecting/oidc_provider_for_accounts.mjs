// node oidc-provider as a provider of accounts: refresh tokens that rotate, revocation, its own development pages.
import { Provider } from "oidc-provider";

const [port, clientId, clientSecret, redirectUri] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token"],
    },
  ],
  claims: { openid: ["sub"], email: ["email"] },
  cookies: { keys: ["only for a test"] },
  features: { revocation: { enabled: true } },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  ttl: { AccessToken: 1800, RefreshToken: 86400, Grant: 86400, Session: 86400, IdToken: 3600, Interaction: 600 },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@corp.example` }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
