//! Nobody keeps a connection busy for ever: one that sends a form a byte at a time would hold it, and a thousand of those
//! could be all that the program may have.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::StatusCode,
    middleware::Next,
};
use std::time::Duration;

/// Ends a request that takes longer than `longest`, its body included.
///
/// # Errors
/// Those of the endpoint, and 408 when the time is up.
pub async fn limit(
    longest: Duration,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    actix_web::rt::time::timeout(longest, next.call(request)).await.unwrap_or_else(|_| {
        Err(InternalError::new("the request took too long", StatusCode::REQUEST_TIMEOUT).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{App, HttpServer, middleware::from_fn, web};
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
    };

    /// SECURITY.md G6: the portal answers every guest, whatever another one does.
    #[actix_web::test]
    async fn a_form_that_never_ends_is_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = HttpServer::new(|| {
            App::new()
                .wrap(from_fn(|request, next| limit(Duration::from_millis(50), request, next)))
                .default_service(web::to(|body: web::Bytes| async move { body }))
        });
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let answer = web::block(move || {
            let mut guest = TcpStream::connect(address).unwrap();
            guest.write_all(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nform=").unwrap();
            let mut answer = String::new();
            guest.read_to_string(&mut answer).unwrap();
            answer
        });
        // That it was read to its end says that the connection was closed.
        assert!(answer.await.unwrap().starts_with("HTTP/1.1 408"));
        handle.stop(false).await;
    }
}
