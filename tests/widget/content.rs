//! What others write and ask for: text stays text, links lead to the web only, and every colour can be read.

use crate::browser::Browser;
use crate::visitor::writes;
use crate::{open, reply, with_ana};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_anybody_writes_becomes_more_than_text() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    page.eval("window.stolen = 0; window.alert = () => { stolen += 1; }")
        .await;
    let id = with_ana(&house, &page).await;
    let tries = [
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "<a href=\"javascript:alert(1)\">click</a> javascript:alert(1) JAVASCRIPT:alert(1)",
        "data:text/html,<script>alert(1)</script> vbscript:x file:///etc/passwd",
        "https://bank.example@evil.example/ and http://user:pw@evil.example",
        "see https://good.example/a_(b)?x=1&y=<b>, or http://good.example.",
        "https://\u{430}pple.example/login",
        "pay \u{202e}gpj.exe\u{202c} and \u{2066}hidden\u{2069} and zero\u{200b}width",
        "{{constructor.constructor('alert(1)')()}} ${alert(1)} %3Cscript%3E",
        "\"><svg onload=alert(1)>'--><!--",
        "https://x.example/\"onmouseover=\"alert(1)",
    ];
    for text in tries {
        reply(&house, id, text).await;
        writes(&page, text).await;
    }
    page.until("document.querySelectorAll('.message.human').length === 10")
        .await;
    page.until("document.querySelectorAll('.message.you:not(.pending)').length === 11")
        .await;
    // All links are to http or https, without names before the host, and open apart.
    let links = page
        .eval("[...document.querySelectorAll('.message a')].map((one) => [one.getAttribute('href'), one.rel, one.target].join(' ')).sort().join('\\n')")
        .await;
    let links: Vec<&str> = links.as_str().expect("text").lines().collect();
    let rest = " noopener noreferrer nofollow ugc _blank";
    let mut expected = Vec::new();
    for href in [
        "http://good.example/",
        "https://good.example/a_(b)?x=1&y=",
        "https://x.example/",
        "https://xn--pple-43d.example/login",
    ] {
        expected.extend([format!("{href}{rest}"), format!("{href}{rest}")]);
    }
    assert_eq!(links, expected);
    let count = page
        .eval("document.querySelectorAll('#log script, #log img, #log svg, #log iframe, #log [onerror], #log [onload], #log [style]').length")
        .await;
    assert_eq!(count, 0);
    let text = page
        .eval("document.getElementById('log').textContent")
        .await;
    let text = text.as_str().expect("text");
    assert!(text.contains("<script>alert(1)</script>"), "{text}");
    assert!(text.contains("xn--pple-43d.example"), "shown as what it is");
    for hidden in ['\u{202e}', '\u{202c}', '\u{2066}', '\u{2069}', '\u{200b}'] {
        assert!(!text.contains(hidden), "{hidden:?}");
    }
    assert_eq!(page.eval("stolen").await, 0);
    // Were there a hole, the page's own rules would still stand before it.
    let barred = "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'set'; } catch { return 'barred'; } })()";
    assert_eq!(page.eval(barred).await, "barred");
    assert_eq!(
        page.eval("document.documentElement.scrollWidth <= innerWidth")
            .await,
        true
    );
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_text_comes_only_links_to_the_web_are_made_of_it() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    // Random texts out of what is dangerous: nothing but text and links to http and https may come of any.
    let script = r#"(async () => {
        const { fill } = await import(document.querySelector('link[href*="text.js"]').href);
        const bits = ['http://', 'https://', 'HTTPS://', 'javascript:', 'data:text/html,', '<img src=x onerror=a()>', '<a href="', '">', "'", '"', '&lt;', '&#x3c;', '@', ':', '/', '//',
            '\\', '(', ')', '.', ',', 'a.example', '127.0.0.1', '[::1]', '%00', '%0d%0a', '\u0000', '\u0007', '\n', '\t', ' ', '\u202e', '\u2066', '\u2069', '\u200b', '\u200f', '\ufeff', 'é', '学', '🙂', '\ud800', 'x'.repeat(50)];
        let seed = 4711;
        const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
        const faults = [];
        let links = 0;
        for (let round = 0; round < 20000; round += 1) {
            const text = Array.from({ length: 1 + random(9) }, () => bits[random(bits.length)]).join('');
            const box = document.createElement('p');
            fill(box, text);
            if (/[\u0000-\u0008\u202a-\u202e\u2066-\u2069\u200b]/.test(box.textContent)) faults.push(['unseen', text]);
            for (const one of box.querySelectorAll('*')) {
                links += 1;
                const ok = one.tagName === 'A' && /^https?:\/\/[^@]+$/.test(one.origin) && !one.username && !one.password
                    && one.getAttributeNames().sort().join() === 'dir,href,rel,target' && /\bnoopener\b/.test(one.rel)
                    && new URL(one.textContent).href === one.href;
                if (!ok) faults.push([one.outerHTML, text]);
            }
        }
        return links > 100 ? JSON.stringify(faults.slice(0, 5)) : `only ${links} links`;
    })()"#;
    assert_eq!(page.eval(script).await, "[]");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_colour_a_site_asks_for_can_be_read() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let house = open("").await;
    let page = browser.page().await;
    page.open(&house.url("/chat?lang=en")).await;
    let script = r##"(async () => {
        const { palette, contrast } = await import(document.querySelector('link[href*="theme.js"]').href);
        const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
        const faults = [];
        for (let colour = 0; colour < 4096; colour += 1) {
            const hex = '#' + [...colour.toString(16).padStart(3, '0')].map((digit) => digit + digit).join('');
            const { brand, ink, light, dark } = palette(hex);
            const pairs = { ink: [brand, ink], light: [light, '#ffffff'], lightPerson: [light, '#e2f4e6'], dark: [dark, '#22272e'], darkPerson: [dark, '#1d3a27'] };
            for (const [name, [one, other]] of Object.entries(pairs)) if (contrast(rgb(one), rgb(other)) < 4.5) faults.push([hex, name]);
        }
        for (const wrong of ['', 'red', '#12', '#1234567', '#zzzzzz', null, 'url(x)']) if (palette(wrong)) faults.push(wrong);
        return JSON.stringify(faults.slice(0, 5));
    })()"##;
    assert_eq!(page.eval(script).await, "[]");
    house.app.stop().await;
}
