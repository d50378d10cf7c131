// The same order at Restate: a virtual object per offering holds, charges in a step of its own, and confirms.
//
// One handler does all three, so that an order is one invocation: a handler that calls other handlers would be three.
// It prints where it listens, first for Restate, then for who asks for the charges, and ends with its stdin.

import http from "node:http";
import http2 from "node:http2";
import * as restate from "@restatedev/restate-sdk";

// Node before 22 has it not, and the SDK uses it.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

const PRICE = 1000;

// The payment service: it takes every charge, once for each key.
const charges = new Map();
const sandbox = {
  async charge(key, amount) {
    charges.set(key, amount);
    return "captured";
  },
};

const offering = restate.object({
  name: "offering",
  // Otherwise all orders of an offering would travel with each invocation.
  options: { enableLazyState: true },
  handlers: {
    open: async (ctx, { capacity }) => {
      ctx.set("left", capacity);
    },
    order: async (ctx, { customer, payment, quantity = 1 }) => {
      const left = (await ctx.get("left")) ?? 0;
      if (left < quantity) {
        throw new restate.TerminalError("not enough left", { errorCode: 409 });
      }
      ctx.set("left", left - quantity);
      const id = ctx.rand.uuidv4();
      const amount = PRICE * quantity;
      const state = await ctx.run("charge", () => sandbox.charge(id, amount));
      const order = {
        id,
        phase: "confirmed",
        customer,
        offering: Number(ctx.key),
        quantity,
        price: { amount, currency: "KRW" },
        payment: { id, state, card_last4: payment.card.slice(-4) },
      };
      ctx.set(`order:${id}`, order);
      return order;
    },
  },
});

const echo = restate.service({
  name: "echo",
  handlers: { echo: async (_ctx, body) => body },
});

const handler = restate.createEndpointHandler({ services: [offering, echo] });
const endpoint = http2.createServer(handler);
// Without this, small answers wait for the other side's delayed acknowledgement.
endpoint.on("connection", (socket) => socket.setNoDelay(true));
endpoint.listen(0, "127.0.0.1", () => {
  const ledger = http.createServer((_request, response) => {
    const body = JSON.stringify({ charges: charges.size });
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
    response.end(body);
  });
  ledger.listen(0, "127.0.0.1", () => {
    console.log(`endpoint at http://127.0.0.1:${endpoint.address().port}`);
    console.log(`charges at http://127.0.0.1:${ledger.address().port}`);
  });
});

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
