//! Which request goes where: a pure function of the request head.

use http::{HeaderMap, Method, header, request::Parts};

use crate::{order::Order, problem::Problem};

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Whether the server is there.
    Health,
    /// Whether it has room for an image.
    Readiness,
    /// What it counts.
    Metrics,
    Resize(Order),
}

/// Decides by the head alone, before any byte of the body is read.
pub(crate) fn route(parts: &Parts) -> Result<Route, Problem> {
    match (parts.uri.path(), &parts.method) {
        ("/healthz", &Method::GET | &Method::HEAD) => Ok(Route::Health),
        ("/readyz", &Method::GET | &Method::HEAD) => Ok(Route::Readiness),
        ("/metrics", &Method::GET | &Method::HEAD) => Ok(Route::Metrics),
        ("/healthz" | "/readyz" | "/metrics", _) => {
            Err(Problem::MethodNotAllowed { allow: "GET, HEAD" })
        }
        ("/resize", &Method::POST) => {
            let order = Order::parse(parts.uri.query())?;
            check_body_headers(&parts.headers)?;
            Ok(Route::Resize(order))
        }
        ("/resize", _) => Err(Problem::MethodNotAllowed { allow: "POST" }),
        _ => Err(Problem::NotFound),
    }
}

/// Refuses bodies that cannot be an image as it is. What the image is, its own bytes say: the Content-Type is
/// not looked at, except for the form that a client sends by mistake.
fn check_body_headers(headers: &HeaderMap) -> Result<(), Problem> {
    if !headers.contains_key(header::CONTENT_LENGTH)
        && !headers.contains_key(header::TRANSFER_ENCODING)
    {
        return Err(Problem::LengthRequired);
    }
    if text(headers, header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("multipart/")) {
        return Err(Problem::Multipart);
    }
    match text(headers, header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(encoding) if encoding == "identity" => Ok(()),
        Some(encoding) => Err(Problem::ContentEncoding { encoding }),
    }
}

/// One header as lower-case text; bytes that are no text become question marks.
fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(
        String::from_utf8_lossy(value.as_bytes())
            .trim()
            .to_ascii_lowercase(),
    )
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// Checks where a head goes: `GET /path Header: value; Header: value`.
    fn check(head: &str, expected: Result<&str, &str>) {
        let mut words = head.splitn(3, ' ');
        let mut request = Request::builder()
            .method(words.next().unwrap())
            .uri(words.next().unwrap());
        for line in words
            .next()
            .unwrap_or_default()
            .split("; ")
            .filter(|line| !line.is_empty())
        {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let routed = route(&parts);
        let told = match &routed {
            Ok(Route::Health) => Ok("health"),
            Ok(Route::Readiness) => Ok("readiness"),
            Ok(Route::Metrics) => Ok("metrics"),
            Ok(Route::Resize(Order::DryRun)) => Ok("dry run"),
            Ok(Route::Resize(Order::Resize(_))) => Ok("resize"),
            Err(problem) => Err(problem.code()),
        };
        assert_eq!(told, expected, "{head}");
    }

    #[test]
    fn paths_and_methods_decide() {
        check("GET /healthz", Ok("health"));
        check("HEAD /healthz?x=1", Ok("health"));
        check("GET /readyz", Ok("readiness"));
        check("GET /metrics", Ok("metrics"));
        for path in ["/healthz", "/readyz", "/metrics"] {
            check(&format!("POST {path}"), Err("method_not_allowed"));
        }
        check("GET /resize?width=3", Err("method_not_allowed"));
        check(
            "PUT /resize?width=3 Content-Length: 9",
            Err("method_not_allowed"),
        );
        check("GET /", Err("not_found"));
        check("POST /resize/ Content-Length: 9", Err("not_found"));
        check(
            "POST http://host/resize?width=3 Content-Length: 9",
            Ok("resize"),
        );
    }

    #[test]
    fn a_body_has_a_length_or_is_chunked() {
        check("POST /resize?width=3 Content-Length: 9", Ok("resize"));
        check(
            "POST /resize?width=3 Transfer-Encoding: chunked",
            Ok("resize"),
        );
        check("POST /resize?dry_run=true Content-Length: 9", Ok("dry run"));
        check("POST /resize?width=3", Err("length_required"));
    }

    #[test]
    fn the_body_is_the_image_itself() {
        check(
            "POST /resize?width=3 Content-Length: 9; Content-Type: application/x-www-form-urlencoded",
            Ok("resize"),
        );
        check(
            "POST /resize?width=3 Content-Length: 9; Content-Encoding: identity",
            Ok("resize"),
        );
        check(
            "POST /resize?width=3 Content-Length: 9; Content-Type: Multipart/form-data",
            Err("multipart"),
        );
        check(
            "POST /resize?width=3 Content-Length: 9; Content-Encoding: gzip",
            Err("content_encoding"),
        );
    }

    #[test]
    fn the_query_is_judged_before_the_body() {
        check("POST /resize", Err("no_size"));
        check(
            "POST /resize?width=0 Content-Length: 9",
            Err("bad_parameter"),
        );
    }
}
