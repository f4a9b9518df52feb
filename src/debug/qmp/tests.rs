//! A scripted client.

use crate::debug::bench::{Bench, COUNT, Client, pair};
use crate::engine::Kind;
use serde_json::Value;

fn attach(bench: &Bench) -> Client {
    let (client, end) = pair();
    bench.desk.serve_qmp(end, false).unwrap();
    client.connect();
    let greeting = client.read_to("\r\n");
    assert!(greeting.starts_with("{\"QMP\": {\"version\": {\"qemu\": {\"micro\": "), "{greeting}");
    client
}

/// The next event's name, or the answer.
fn next(client: &Client) -> String {
    let line = client.read_to("\r\n");
    let value: Value = serde_json::from_str(&line).unwrap();
    value["event"].as_str().map_or(line.trim_end().to_string(), str::to_string)
}

fn ask(client: &Client, command: &str) -> String {
    client.send(format!("{{\"execute\": \"{command}\"}}\n").as_bytes());
    next(client)
}

const DONE: &str = "{\"return\": {}}";

#[test]
fn commands_wait_for_the_negotiation() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let client = attach(&bench);
    let early = "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \
                 \"Expecting capabilities negotiation with 'qmp_capabilities'\"}}";
    assert_eq!(ask(&client, "query-status"), early);
    bench.control().resume();
    bench.control().pause();
    assert_eq!(ask(&client, "qmp_capabilities"), DONE, "and no events before");
    assert_eq!(ask(&client, "query-status"), "{\"return\": {\"status\": \"paused\", \"running\": false}}");
    client.disconnect();
    client.connect();
    assert!(client.read_to("\r\n").starts_with("{\"QMP\""));
    assert_eq!(ask(&client, "query-status"), early);
}

#[test]
fn what_a_command_brings_about_is_told_before_its_answer() {
    let mut bench = Bench::new(Kind::Jit, 1, COUNT);
    let client = attach(&bench);
    ask(&client, "qmp_capabilities");
    for (command, event) in [("cont", "RESUME"), ("system_reset", "RESET"), ("stop", "STOP")] {
        assert_eq!(ask(&client, command), event);
        assert_eq!(next(&client), DONE);
    }
    assert_eq!(ask(&client, "stop"), DONE, "it is stopped");
    client.send(
        b"{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"info status\"}, \"id\": 7}",
    );
    assert_eq!(next(&client), "{\"return\": \"VM status: paused\\r\\n\", \"id\": 7}");
    assert_eq!(ask(&client, "quit"), "SHUTDOWN");
    assert_eq!(next(&client), DONE);
    assert_eq!(bench.code(), 0);
}

#[test]
fn mistakes_are_named() {
    let bench = Bench::new(Kind::Interp, 2, COUNT);
    let client = attach(&bench);
    ask(&client, "qmp_capabilities");
    for (request, desc) in [
        ("[1]", "QMP input must be a JSON object"),
        ("{\"a\": 1}", "QMP input member 'a' is unexpected"),
        ("{}", "QMP input lacks member 'execute'"),
        ("{\"execute\": 1}", "QMP input member 'execute' must be a string"),
        ("{\"execute\": \"stop\", \"arguments\": 1}", "QMP input member 'arguments' must be an object"),
        ("{\"execute\": \"stop\", \"arguments\": {\"x\": 1}}", "Parameter 'x' is unexpected"),
        ("{\"execute\": \"nonsense\"}", "The command nonsense has not been found"),
        ("{\"execute\": \"human-monitor-command\"}", "Parameter 'command-line' is missing"),
        (
            "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": 1}}",
            "Invalid parameter type for 'command-line', expected: string",
        ),
        (
            "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"x\", \"cpu-index\": 2}}",
            "Parameter 'cpu-index' expects a CPU number",
        ),
        ("}", "JSON parse error, expected value at line 1 column 1"),
    ] {
        client.send(request.as_bytes());
        client.send(b"\n");
        let value: Value = serde_json::from_str(&client.read_to("\r\n")).unwrap();
        assert_eq!(value["error"]["desc"], desc);
    }
    let names = ask(&client, "query-commands");
    assert!(names.contains("{\"name\": \"qmp_capabilities\"}") && names.contains("{\"name\": \"stop\"}"));
    let cpus: Value = serde_json::from_str(&ask(&client, "query-cpus-fast")).unwrap();
    assert_eq!(cpus["return"][1]["cpu-index"], 1);
    assert_ne!(cpus["return"][0]["thread-id"], cpus["return"][1]["thread-id"]);
}
