#!/usr/bin/env python3
"""killed.py SERVER FILE [STEP...] : plays a conversation once per step, and kills the server after that step.

SERVER is the binary, FILE a conversation as play.py knows it. For each STEP (all of them if none is named) the
conversation is played against a server on a fresh folder; right after that step the server is killed with
signal 9 and started again on the same folder, and the rest of the conversation must go as if nothing had
happened. Exit status 1 if any step of any of them failed. Standard library only.
"""
import concurrent.futures, json, os, re, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import play

ENVIRONMENT = {**{k: v for k, v in os.environ.items() if not k.startswith("SUREHOLD_")}, "station_nm": "SK Imme", "station_cd": "ST0001"}

class Server:
    def __init__(self, binary, data, market):
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", data, "--market", market, "--admin"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT)
        ready = self.process.stdout.readline()
        found = re.search(r"http://[^,\s]+", ready)
        if not found: raise SystemExit(f"the server did not start: {ready!r}, status {self.process.wait()}")
        self.base = found[0]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

def say(base, step):
    """Plays one step; returns what was wrong and what came back."""
    until = time.time() + step.get("within", 0)
    while True:
        try:
            status, headers, text, value = play.send(base, step)
            problem = play.wrong(step.get("expect", {}), status, headers, text, value)
        except OSError as e: status, headers, text, value, problem = 0, {}, "", None, f"no answer: {e}"
        if problem is None or time.time() > until: return problem, status, headers, text, value
        time.sleep(0.02)

def run(binary, script, cut):
    """The conversation with a kill after step `cut` (0: none). Returns what went wrong."""
    wrong, names = [], {}
    with tempfile.TemporaryDirectory() as data:
        server = Server(binary, data, script["market"])
        try:
            for number, raw in enumerate(script["steps"], 1):
                step = play.fill(raw, names)
                problem, status, headers, text, value = say(server.base, step)
                if problem: wrong.append(f"killed after {cut}: step {number} {step['do']}: {problem}\n    got {status} {text[:400]}")
                else:
                    for key, where in step.get("save", {}).items():
                        if where == "Location": names[key] = int(re.findall(r"\d+", headers["location"])[-1])
                        else:
                            at = value
                            for part in where.split("."): at = at[int(part)] if part.isdigit() else at[part]
                            names[key] = at
                if number == cut:
                    server.kill()
                    server = Server(binary, data, script["market"])
        finally:
            server.kill()
    return wrong

def main():
    if len(sys.argv) < 3: sys.exit(__doc__)
    binary, script = sys.argv[1], json.load(open(sys.argv[2], encoding="utf-8"))
    cuts = [int(step) for step in sys.argv[3:]] or range(1, len(script["steps"]) + 1)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = [line for lines in pool.map(lambda cut: run(binary, script, cut), cuts) for line in lines]
    print("\n".join(wrong) or f"{script['market']}: as expected, killed after each of {len(cuts)} steps in turn")
    return 1 if wrong else 0

if __name__ == "__main__":
    sys.exit(main())
