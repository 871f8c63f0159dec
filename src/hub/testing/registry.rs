//! A registry that signs lists, and serves whatever a test wants by HTTPS.

use crate::testing;
use actix_web::{
    App, HttpResponse, HttpServer,
    body::{BodySize, MessageBody},
    dev::ServerHandle,
    web,
};
use openssl::pkey::{PKey, Private};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    pin::Pin,
    process::Command,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

/// An empty signature of the element with this ID.
pub fn template(id: &str) -> String {
    format!(
        r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"##
    )
}

/// A list that is not signed yet.
pub fn unsigned(attributes: &str, content: &str) -> String {
    format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_list" {attributes}>{}{content}</md:EntitiesDescriptor>"#,
        template("_list")
    )
}

/// Signs the root by the program, so that the library meets a signature of another hand.
pub fn sign(key: &PKey<Private>, xml: &str) -> String {
    let folder = testing::folder("sign");
    let [pem, input, output] = ["key.pem", "in.xml", "out.xml"].map(|name| folder.join(name));
    std::fs::write(&pem, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    std::fs::write(&input, xml).unwrap();
    let done = Command::new("xmlsec1")
        .args(["--sign", "--id-attr:ID", "EntitiesDescriptor", "--id-attr:ID", "EntityDescriptor"])
        .args(["--node-xpath", "/*/*[local-name()='Signature']", "--privkey-pem"])
        .args([&pem, Path::new("--output"), &output, &input])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let signed = std::fs::read_to_string(output).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    signed
}

/// What the server answers.
#[derive(Debug, Clone)]
pub enum Answers {
    /// 200 with this.
    With(String),
    /// This status.
    Status(u16),
    /// A redirection to itself.
    Elsewhere,
    /// An octet now and then, without end.
    Slowly,
}

/// A real HTTPS server on loopback.
pub struct Server {
    /// Where the list is.
    pub url: String,
    /// The certificate that vouches for it.
    pub ca: PathBuf,
    answers: Arc<Mutex<Answers>>,
    handle: ServerHandle,
}

impl Server {
    pub fn start(folder: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (chain, key) = (folder.join("registry-tls.pem"), folder.join("registry-tls.key"));
        testing::certificate(&chain, &key);
        let tls = varco_web::tls::server(Path::new("test"), "tls", &chain, &key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://127.0.0.1:{}/list.xml", listener.local_addr().unwrap().port());
        let answers = Arc::new(Mutex::new(Answers::Status(503)));
        let shared = web::Data::from(Arc::clone(&answers));
        let server =
            HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)));
        let server = server.workers(1).disable_signals().listen_rustls_0_23(listener, tls).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, ca: chain, answers, handle }
    }

    pub fn serve(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn answer(answers: web::Data<Mutex<Answers>>) -> HttpResponse {
    let now = answers.lock().unwrap().clone();
    match now {
        Answers::With(text) => HttpResponse::Ok().content_type("application/xml").body(text),
        Answers::Status(code) => HttpResponse::build(code.try_into().unwrap()).finish(),
        Answers::Elsewhere => HttpResponse::Found().insert_header(("Location", "/other.xml")).finish(),
        Answers::Slowly => HttpResponse::Ok().body(Drip(tokio::time::interval(Duration::from_millis(20)))),
    }
}

/// A body that never ends.
struct Drip(tokio::time::Interval);

impl MessageBody for Drip {
    type Error = actix_web::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        self.0.poll_tick(context).map(|_| Some(Ok(web::Bytes::from_static(b" "))))
    }
}
