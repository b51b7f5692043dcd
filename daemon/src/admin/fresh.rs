//! Reads of what the cluster has agreed on. Through whichever node it is asked, such a read shows all that was
//! acknowledged before it; or, with `stale=true`, what the asked node has by itself.
//!
//! Here for all of them, so that no handler has to think of it: handlers look at the state of this node, which has caught
//! up by then.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use quorate_adminapi::code;

use super::reply::Refused;
use super::source::Source;

/// These routes, whose GETs are answered as of now. Their other methods are as they were: a change goes through the log.
pub(super) fn as_of_now<S: Source>(routes: Router<Arc<S>>, source: &Arc<S>) -> Router<Arc<S>> {
    routes.route_layer(from_fn_with_state(Arc::clone(source), caught_up::<S>))
}

async fn caught_up<S: Source>(
    State(source): State<Arc<S>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    if request.method() == Method::GET {
        let (uri, stale) = without_stale(request.uri())?;
        if !stale {
            source.catch_up().await?;
        }
        *request.uri_mut() = uri;
    }
    Ok(next.run(request).await)
}

/// The rest of what is asked, which the handler reads and in which it knows every word.
fn without_stale(uri: &Uri) -> Result<(Uri, bool), Refused> {
    let mut stale = false;
    let mut rest = Vec::new();
    for pair in uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("stale", "true") => stale = true,
            ("stale", "false") => stale = false,
            ("stale", other) => {
                let message = format!("stale is true or false, and not \"{other}\"");
                return Err(Refused::new(code::BAD_REQUEST, message));
            }
            _ => rest.push(pair),
        }
    }
    let path = match rest.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), rest.join("&")),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).expect("a part of a path that was read is one"));
    let uri = Uri::from_parts(parts).expect("what else there is of it is as it was");
    Ok((uri, stale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str) -> Option<(String, bool)> {
        let (uri, stale) = without_stale(&uri.parse().unwrap()).ok()?;
        Some((uri.to_string(), stale))
    }

    #[test]
    fn the_word_is_taken_out_and_nothing_else() {
        let told = |uri: &str, stale| Some((uri.to_owned(), stale));
        assert_eq!(read("/v1/users"), told("/v1/users", false));
        assert_eq!(read("/v1/users?stale=true"), told("/v1/users", true));
        assert_eq!(
            read("/v1/users?match=a%26*&stale=true&limit=3"),
            told("/v1/users?match=a%26*&limit=3", true)
        );
        assert_eq!(read("/v1/users?limit=3&stale=false"), told("/v1/users?limit=3", false));
        assert_eq!(read("/v1/users?stael=true"), told("/v1/users?stael=true", false));
        assert_eq!(read("/v1/users?stale=maybe"), None);
        assert_eq!(read("/v1/users?stale"), None);
    }
}
