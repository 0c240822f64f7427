// A coding agent on the protocol's TypeScript SDK: it answers, asks leave for a command, and uses our file methods.
// Run as: node acp_agent.mjs SDK, where SDK is the folder of the installed package.
import { pathToFileURL } from "node:url";
import { Readable, Writable } from "node:stream";
import { join } from "node:path";

const sdk = await import(pathToFileURL(join(process.argv[2], "dist/v1/stable/acp.js")).href);
const { agent, methods, ndJsonStream } = sdk;

const say = (client, sessionId, text) =>
  client.notify(methods.client.session.update, {
    sessionId,
    update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: `${text}\n` } },
  });

async function prompt({ params, client }) {
  const { sessionId } = params;
  for (const line of params.prompt.map((block) => block.text ?? "").join("\n").split("\n")) {
    const [word, ...rest] = line.split(" ");
    if (word === "say") await say(client, sessionId, rest.join(" "));
    if (word === "ask") {
      const answer = await client.request(methods.client.session.requestPermission, {
        sessionId,
        toolCall: { toolCallId: "c1", title: "Look around", kind: "read", rawInput: { command: rest.join(" ") } },
        options: [
          { optionId: "yes", name: "Yes", kind: "allow_once" },
          { optionId: "no", name: "No", kind: "reject_once" },
        ],
      });
      await say(client, sessionId, `answer ${answer.outcome.optionId ?? answer.outcome.outcome}`);
    }
    if (word === "write") {
      await client.request(methods.client.fs.writeTextFile, { sessionId, path: rest[0], content: rest.slice(1).join(" ") });
      await say(client, sessionId, "written");
    }
  }
  return { stopReason: "end_turn" };
}

agent({ name: "typescript" })
  .onRequest(methods.agent.initialize, () => ({ protocolVersion: 1, agentCapabilities: { loadSession: false } }))
  .onRequest(methods.agent.session.new, () => ({ sessionId: "ts-1" }))
  .onRequest(methods.agent.session.prompt, prompt)
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
