//! The files that a browser gets: whole, guarded, and framed by named sites only.

use crate::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_whole_and_guarded() {
    let house = House::open().await;
    let client = reqwest::Client::builder().build().expect("a client");
    let get = async |path: &str| {
        client
            .get(house.url("http", path))
            .send()
            .await
            .expect("an answer")
    };
    let page = get("/chat").await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("ascii")
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let html = page.text().await.expect("a body");
    assert!(
        html.contains("data-channel=\"web\"") && !html.contains("{{"),
        "{html}"
    );
    let files: Vec<&str> = html
        .split('"')
        .filter(|part| part.starts_with("/chat/"))
        .collect();
    assert_eq!(
        files.len(),
        12,
        "a style, a script and its modules: {files:?}"
    );
    for file in files {
        let answer = get(file).await;
        assert_eq!(answer.status(), 200, "{file}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert!(
            answer.headers()["cache-control"]
                .to_str()
                .expect("ascii")
                .contains("immutable")
        );
    }
    assert_eq!(
        get("/chat/chat.js?v=old").await.headers()["cache-control"],
        "no-cache"
    );
    assert_eq!(get("/chat/passwd").await.status(), 404);
    assert_eq!(get("/chat?channel=nope").await.status(), 404);
    assert_eq!(get("/chat/nope/events").await.status(), 404);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_widget_is_whole_and_its_frame_is_for_named_sites_only() {
    let house = House::open().await;
    let client = reqwest::Client::builder().build().expect("a client");
    let get = async |path: &str| {
        let asked = client.get(house.url("http", path)).send();
        asked.await.expect("an answer")
    };
    let page = get("/chat").await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("ascii")
        .to_owned();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let header = |answer: &reqwest::Response, name: &str| {
        let value = answer.headers().get(name).expect(name);
        value.to_str().expect("ascii").to_owned()
    };
    let embed = get("/chat/embed?channel=web&origin=https://evil.example").await;
    let policy = header(&embed, "content-security-policy");
    assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
    assert!(embed.headers().get("x-frame-options").is_none());
    let demo = get("/chat/demo").await;
    assert_eq!(header(&demo, "referrer-policy"), "no-referrer");
    assert!(!demo.text().await.expect("a body").contains("{{"));
    let widget = get("/chat/widget.js").await;
    assert_eq!(widget.status(), 200);
    let tag = header(&widget, "etag");
    let again = client
        .get(house.url("http", "/chat/widget.js"))
        .header("if-none-match", &tag);
    let again = again.send().await.expect("an answer");
    assert_eq!(again.status(), 304);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_page_of_ours_made_is_guarded_as_well() {
    let house = House::open().await;
    let straight = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let straight = straight.build().expect("a client");
    for (path, status) in [
        ("/", 307),
        ("/chat/passwd", 404),
        ("/chat?channel=nope", 404),
        ("/chat/web/messages", 405),
        ("/inbox/0000/main.js", 404),
        ("/inbox/main.js", 404),
        ("/nothing/at/all", 404),
    ] {
        let answer = straight.get(house.url("http", path)).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.headers()[name], value, "{path}: {name}");
        }
        let policy = answer.headers()["content-security-policy"].to_str();
        let policy = policy.expect("ascii");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
    house.app.stop().await;
}
