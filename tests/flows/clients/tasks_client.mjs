// The TypeScript client of the tasks extension for one call: prints each status that it is told, and how the call ended.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createTaskSessionFromClient } from "@modelcontextprotocol/ext-tasks/client";

const [url, token, name, given] = process.argv.slice(2);
const say = (kind, value) => process.stdout.write(`${JSON.stringify({ [kind]: value })}\n`);
const authorization = `Bearer ${token}`;
const clientInfo = { name: "typescript-tasks", version: "1" };
const protocolVersion = "2026-07-28";
let requests = 0;

// What the SDK's own wire types do not know travels beside it, as the package asks.
async function rawDispatch(request) {
  const { method, params } = request;
  const named = params.taskId ?? params.name;
  const headers = {
    authorization,
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": protocolVersion,
    "mcp-method": method,
    ...(named === undefined ? {} : { "mcp-name": named }),
  };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", id: ++requests, ...request }) });
  const text = await response.text();
  const events = text.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
  const message = JSON.parse(events.length ? events.at(-1) : text);
  if (message.result?.status !== undefined) say("status", message.result.status);
  return message;
}

const client = new Client(clientInfo, { capabilities: {}, versionNegotiation: { mode: "auto" } });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization } } }));
const session = createTaskSessionFromClient(client, {
  endpointId: "gateway",
  rawDispatch,
  v2RequestFraming: { protocolVersion, clientInfo, clientCapabilities: {} },
});
const execution = await session.callTool(name, JSON.parse(given));
const { outcome } = await execution.settle();
say("outcome", outcome);
await session.close();
await client.close();
process.exit(0);
