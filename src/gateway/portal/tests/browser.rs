//! A citizen's browser, on a device of its own: one address of loopback each.

use super::building::{Building, HOST, mac};
use crate::hub::tests::provider::Provider;
use actix_web::http::StatusCode;
use reqwest::header::{COOKIE, HOST as HOST_HEADER, HeaderMap, LOCATION, SET_COOKIE};
use std::{collections::BTreeMap, net::Ipv4Addr, rc::Rc};
use varco_policy::Device;

pub struct Browser {
    client: reqwest::Client,
    pub base: String,
    provider: Rc<Provider>,
    number: u8,
    pub host: String,
    pub cookies: BTreeMap<String, String>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub location: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    pub fn new(building: &Building, number: u8) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(Some(Ipv4Addr::new(127, 0, 0, number).into()))
            .no_proxy()
            .build()
            .unwrap();
        Self {
            client,
            base: building.base.clone(),
            provider: Rc::clone(&building.provider),
            number,
            host: HOST.to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    /// The same browser after the gateway's restart.
    pub fn at(mut self, building: &Building) -> Self {
        self.base = building.base.clone();
        self
    }

    /// A browser in the office.
    pub fn in_office(building: &Building, number: u8) -> Self {
        let (base, host) = (building.office.clone(), "router.biblioteca.example.it:8443".to_owned());
        Self { base, host, ..Self::new(building, number) }
    }

    pub fn device(&self) -> Device {
        Device { address: [127, 0, 0, self.number].into(), mac: mac(self.number) }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, form: &str) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base)).body(form.to_owned());
        self.send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// Sends the form that the page at `page` holds to `action`.
    pub async fn post_form(&mut self, page: &str, action: &str) -> Answer {
        let page = self.get(page).await.body;
        let after = page.split("name=\"form\" value=\"").nth(1).expect("the page has a form");
        let form = after.split('"').next().unwrap().to_owned();
        self.post(action, &format!("form={form}")).await
    }

    /// Begins a login and logs in at the hub; the path that the hub sends the browser back to.
    pub async fn go_to_the_hub(&mut self) -> String {
        self.go_to_the_hub_from("/").await
    }

    /// Logs in again from the status page.
    pub async fn extend(&mut self) -> Answer {
        let back = self.go_to_the_hub_from("/status").await;
        self.get(&back).await
    }

    /// The same from another page than the start.
    pub async fn go_to_the_hub_from(&mut self, page: &str) -> String {
        let away = self.post_form(page, "/login").await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.body);
        let response = self.provider.authorize(&away.location.parse().unwrap());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let pairs = [("state", response.state), ("code", response.code), ("iss", response.iss)];
        for (name, value) in pairs {
            query.append_pair(name, &value.unwrap());
        }
        format!("/login/callback?{}", query.finish())
    }

    pub async fn log_in(&mut self) -> Answer {
        let back = self.go_to_the_hub().await;
        self.get(&back).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let request = request.header(COOKIE, cookies.join("; ")).header(HOST_HEADER, &self.host);
        let response = request.header("accept-language", "en").send().await.unwrap();
        let headers = response.headers().clone();
        for set in headers.get_all(SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            self.cookies.insert(name.to_owned(), value);
        }
        self.cookies.retain(|_, value| !value.is_empty());
        let location = headers.get(LOCATION).map_or(String::new(), |l| l.to_str().unwrap().to_owned());
        let status = StatusCode::from_u16(response.status().as_u16()).unwrap();
        Answer { status, location, headers, body: response.text().await.unwrap() }
    }
}
