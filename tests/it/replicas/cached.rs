//! Results are reused across replicas.

use serde_json::json;

use super::cluster::Cluster;

#[test]
fn a_result_of_one_replica_answers_the_others() {
    let cluster = Cluster::new([]);
    let [first, second] = [0, 1].map(|place| cluster.start(place));
    let client = first.client();
    let session = client.session_with_birds();
    let body = json!({ "dataset": "birds", "kind": "profile" });
    let made = client.analyse(&session, &body);
    let result = client.result(&made).body;
    let other = second.client();
    let path = format!("/v1/sessions/{session}/analyses");
    let again = other.post(&path, &body).expect(202).json();
    assert_eq!(again["cached"], true, "{again:#}");
    assert_eq!(other.result(again["id"].as_str().unwrap()).body, result);
    first.stop();
    second.stop();
}
