//! [`HttpProduct`]: what software answers over HTTP, told by headers of its responses, and by services of gRPC that it has: never by a
//! port, nor by what is asked for in vain.

/// A server by product, as far as a header tells. Those further up say more: an application stands behind a server of the web,
/// and both name themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the name of a product")]
pub enum HttpProduct {
    Elasticsearch,
    OpenSearch,
    Kibana,
    Etcd,
    Consul,
    Nomad,
    Kubernetes,
    /// It answers as Docker does, too.
    Podman,
    Docker,
    DockerRegistry,
    Containerd,
    Spark,
    CouchDb,
    InfluxDb,
    ClickHouse,
    Minio,
    Jenkins,
    Artifactory,
    Nexus,
    Splunk,
    Express,
    NextJs,
    Php,
    AspNet,
    Kestrel,
    Tomcat,
    Jetty,
    Undertow,
    Gunicorn,
    Uvicorn,
    Werkzeug,
    Tornado,
    PythonHttp,
    Webrick,
    Cowboy,
    OpenResty,
    Tengine,
    Nginx,
    Apache,
    Iis,
    HttpSys,
    LiteSpeed,
    Lighttpd,
    Caddy,
    Envoy,
    Varnish,
    Squid,
    TrafficServer,
    Cloudflare,
    AmazonS3,
}

impl HttpProduct {
    /// Every product, in index order.
    pub const ALL: [HttpProduct; 50] = {
        use HttpProduct::*;
        [
            Elasticsearch,
            OpenSearch,
            Kibana,
            Etcd,
            Consul,
            Nomad,
            Kubernetes,
            Podman,
            Docker,
            DockerRegistry,
            Containerd,
            Spark,
            CouchDb,
            InfluxDb,
            ClickHouse,
            Minio,
            Jenkins,
            Artifactory,
            Nexus,
            Splunk,
            Express,
            NextJs,
            Php,
            AspNet,
            Kestrel,
            Tomcat,
            Jetty,
            Undertow,
            Gunicorn,
            Uvicorn,
            Werkzeug,
            Tornado,
            PythonHttp,
            Webrick,
            Cowboy,
            OpenResty,
            Tengine,
            Nginx,
            Apache,
            Iis,
            HttpSys,
            LiteSpeed,
            Lighttpd,
            Caddy,
            Envoy,
            Varnish,
            Squid,
            TrafficServer,
            Cloudflare,
            AmazonS3,
        ]
    };

    /// The name that events use (`app_product`, `http.product`), and what shows the product.
    const fn spec(self) -> (&'static str, &'static str) {
        match self {
            HttpProduct::Elasticsearch => ("elasticsearch", "X-elastic-product, Warning"),
            HttpProduct::OpenSearch => ("opensearch", "X-OpenSearch-Version, Warning"),
            HttpProduct::Kibana => ("kibana", "kbn-name"),
            HttpProduct::Etcd => ("etcd", "X-Etcd-*, gRPC etcdserverpb.*, v3lockpb.*, v3electionpb.*"),
            HttpProduct::Consul => ("consul", "X-Consul-*, gRPC hashicorp.consul.*"),
            HttpProduct::Nomad => ("nomad", "X-Nomad-*"),
            HttpProduct::Kubernetes => ("kubernetes", "X-Kubernetes-PF-*, Audit-Id"),
            HttpProduct::Podman => ("podman", "Libpod-API-Version, Server"),
            HttpProduct::Docker => ("docker", "Ostype, Docker-Experimental, Server"),
            HttpProduct::DockerRegistry => ("docker-registry", "Docker-Distribution-Api-Version"),
            HttpProduct::Containerd => ("containerd", "gRPC containerd.*"),
            HttpProduct::Spark => ("spark", "gRPC spark.connect.*"),
            HttpProduct::CouchDb => ("couchdb", "Server"),
            HttpProduct::InfluxDb => ("influxdb", "X-Influxdb-*"),
            HttpProduct::ClickHouse => ("clickhouse", "X-ClickHouse-*"),
            HttpProduct::Minio => ("minio", "Server"),
            HttpProduct::Jenkins => ("jenkins", "X-Jenkins"),
            HttpProduct::Artifactory => ("artifactory", "X-Artifactory-*, Server"),
            HttpProduct::Nexus => ("nexus", "Server"),
            HttpProduct::Splunk => ("splunk", "Server"),
            HttpProduct::Express => ("express", "X-Powered-By"),
            HttpProduct::NextJs => ("next.js", "X-Powered-By"),
            HttpProduct::Php => ("php", "X-Powered-By"),
            HttpProduct::AspNet => ("asp.net", "X-Powered-By, X-AspNet-Version"),
            HttpProduct::Kestrel => ("kestrel", "Server"),
            HttpProduct::Tomcat => ("tomcat", "Server"),
            HttpProduct::Jetty => ("jetty", "Server"),
            HttpProduct::Undertow => ("undertow", "Server, X-Powered-By"),
            HttpProduct::Gunicorn => ("gunicorn", "Server"),
            HttpProduct::Uvicorn => ("uvicorn", "Server"),
            HttpProduct::Werkzeug => ("werkzeug", "Server"),
            HttpProduct::Tornado => ("tornado", "Server"),
            HttpProduct::PythonHttp => ("python-http", "Server"),
            HttpProduct::Webrick => ("webrick", "Server"),
            HttpProduct::Cowboy => ("cowboy", "Server"),
            HttpProduct::OpenResty => ("openresty", "Server"),
            HttpProduct::Tengine => ("tengine", "Server"),
            HttpProduct::Nginx => ("nginx", "Server"),
            HttpProduct::Apache => ("apache", "Server"),
            HttpProduct::Iis => ("iis", "Server"),
            HttpProduct::HttpSys => ("http.sys", "Server"),
            HttpProduct::LiteSpeed => ("litespeed", "Server"),
            HttpProduct::Lighttpd => ("lighttpd", "Server"),
            HttpProduct::Caddy => ("caddy", "Server"),
            HttpProduct::Envoy => ("envoy", "Server"),
            HttpProduct::Varnish => ("varnish", "Server"),
            HttpProduct::Squid => ("squid", "Server"),
            HttpProduct::TrafficServer => ("traffic-server", "Server"),
            HttpProduct::Cloudflare => ("cloudflare", "Server"),
            HttpProduct::AmazonS3 => ("amazon-s3", "Server"),
        }
    }

    /// The name that events use (`app_product`, `http.product`).
    pub const fn as_str(self) -> &'static str {
        self.spec().0
    }

    /// The headers of responses that show it, and services of gRPC.
    pub const fn shown_by(self) -> &'static str {
        self.spec().1
    }

    /// Takes in another product that is shown: of two, the one that says more stays.
    pub(crate) fn see(seen: &mut Option<HttpProduct>, another: HttpProduct) {
        *seen = Some(seen.map_or(another, |before| before.min(another)));
    }

    /// What a header of a response shows, its name written in whatever case.
    #[inline]
    pub(super) fn of_header(name: &[u8], value: &[u8]) -> Option<HttpProduct> {
        // Length and first letter turn down nearly every other header.
        match (name.len(), name.first()? | 0x20) {
            (6, b's') if name.eq_ignore_ascii_case(b"server") => of_server(value.trim_ascii()),
            (6, b'o') | (7, b'w') | (8, b'a' | b'k') | (18 | 19 | 31, b'l' | b'd') | (9.., b'x') => {
                of_own_header(name, value.trim_ascii())
            }
            _ => None,
        }
    }

    /// What answers calls of that path (`/package.Service/Method`).
    pub(super) fn of_grpc(path: &[u8]) -> Option<HttpProduct> {
        const PACKAGES: [(&[u8], HttpProduct); 6] = [
            (b"/etcdserverpb.", HttpProduct::Etcd),
            (b"/v3lockpb.", HttpProduct::Etcd),
            (b"/v3electionpb.", HttpProduct::Etcd),
            (b"/hashicorp.consul.", HttpProduct::Consul),
            (b"/containerd.", HttpProduct::Containerd),
            (b"/spark.connect.", HttpProduct::Spark),
        ];
        PACKAGES.into_iter().find(|(package, _)| path.starts_with(package)).map(|(_, product)| product)
    }
}

/// Headers that are one product's own.
fn of_own_header(name: &[u8], value: &[u8]) -> Option<HttpProduct> {
    const NAMES: [(&[u8], HttpProduct); 9] = [
        (b"x-opensearch-version", HttpProduct::OpenSearch),
        (b"kbn-name", HttpProduct::Kibana),
        (b"libpod-api-version", HttpProduct::Podman),
        (b"docker-experimental", HttpProduct::Docker),
        (b"docker-distribution-api-version", HttpProduct::DockerRegistry),
        (b"x-jenkins", HttpProduct::Jenkins),
        (b"x-aspnet-version", HttpProduct::AspNet),
        (b"x-aspnetmvc-version", HttpProduct::AspNet),
        (b"x-elastic-product", HttpProduct::Elasticsearch),
    ];
    const BEGINS: [(&[u8], HttpProduct); 7] = [
        (b"x-etcd-", HttpProduct::Etcd),
        (b"x-consul-", HttpProduct::Consul),
        (b"x-nomad-", HttpProduct::Nomad),
        (b"x-kubernetes-pf-", HttpProduct::Kubernetes),
        (b"x-influxdb-", HttpProduct::InfluxDb),
        (b"x-clickhouse-", HttpProduct::ClickHouse),
        (b"x-artifactory-", HttpProduct::Artifactory),
    ];
    let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
    if is(b"ostype") {
        return matches!(value, b"linux" | b"windows" | b"freebsd" | b"darwin")
            .then_some(HttpProduct::Docker);
    }
    if is(b"audit-id") {
        return is_uuid(value).then_some(HttpProduct::Kubernetes);
    }
    if is(b"warning") {
        return of_warning(value);
    }
    if is(b"x-powered-by") {
        return of_powered_by(value);
    }
    let begins =
        |known: &[u8]| name.get(..known.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(known));
    let named = NAMES.into_iter().find(|(known, _)| is(known));
    named.or_else(|| BEGINS.into_iter().find(|(known, _)| begins(known))).map(|(_, product)| product)
}

/// The first product of a Server (RFC 9110 §10.2.4), spelled as it spells itself.
fn of_server(value: &[u8]) -> Option<HttpProduct> {
    Some(match product(value) {
        b"nginx" => HttpProduct::Nginx,
        b"Apache" => HttpProduct::Apache,
        b"openresty" => HttpProduct::OpenResty,
        b"Microsoft-IIS" => HttpProduct::Iis,
        b"Microsoft-HTTPAPI" => HttpProduct::HttpSys,
        b"cloudflare" => HttpProduct::Cloudflare,
        b"AmazonS3" => HttpProduct::AmazonS3,
        b"LiteSpeed" => HttpProduct::LiteSpeed,
        b"lighttpd" => HttpProduct::Lighttpd,
        b"Caddy" => HttpProduct::Caddy,
        b"envoy" | b"istio-envoy" => HttpProduct::Envoy,
        b"Apache-Coyote" => HttpProduct::Tomcat,
        b"Jetty" => HttpProduct::Jetty,
        b"Undertow" => HttpProduct::Undertow,
        b"Kestrel" => HttpProduct::Kestrel,
        b"gunicorn" => HttpProduct::Gunicorn,
        b"uvicorn" => HttpProduct::Uvicorn,
        b"Werkzeug" => HttpProduct::Werkzeug,
        b"TornadoServer" => HttpProduct::Tornado,
        b"SimpleHTTP" | b"BaseHTTP" => HttpProduct::PythonHttp,
        b"WEBrick" => HttpProduct::Webrick,
        b"Cowboy" => HttpProduct::Cowboy,
        b"Tengine" => HttpProduct::Tengine,
        b"Varnish" => HttpProduct::Varnish,
        b"squid" => HttpProduct::Squid,
        b"ATS" => HttpProduct::TrafficServer,
        b"Docker" => HttpProduct::Docker,
        b"Libpod" => HttpProduct::Podman,
        b"CouchDB" => HttpProduct::CouchDb,
        b"MinIO" => HttpProduct::Minio,
        b"Nexus" => HttpProduct::Nexus,
        b"Splunkd" => HttpProduct::Splunk,
        b"Artifactory" => HttpProduct::Artifactory,
        _ => return None,
    })
}

fn of_powered_by(value: &[u8]) -> Option<HttpProduct> {
    Some(match product(value) {
        b"Express" => HttpProduct::Express,
        b"Next.js" => HttpProduct::NextJs,
        b"PHP" => HttpProduct::Php,
        b"ASP.NET" => HttpProduct::AspNet,
        b"Undertow" => HttpProduct::Undertow,
        _ => return None,
    })
}

/// Elasticsearch before 7.14 names itself where it warns alone: `299 Elasticsearch-7.10.0-hash "text"` (RFC 7234 §5.5).
fn of_warning(value: &[u8]) -> Option<HttpProduct> {
    let agent = value.strip_prefix(b"299 ")?;
    if agent.starts_with(b"Elasticsearch-") {
        return Some(HttpProduct::Elasticsearch);
    }
    agent.starts_with(b"OpenSearch-").then_some(HttpProduct::OpenSearch)
}

/// The name of a product without its version, and what else follows.
fn product(value: &[u8]) -> &[u8] {
    let ends = |byte: &u8| matches!(byte, b'/' | b' ' | b'(' | b',' | b';');
    value.get(..value.iter().position(ends).unwrap_or(value.len())).unwrap_or_default()
}

/// Whether it is five groups of hexadecimal digits (RFC 9562 §4).
fn is_uuid(value: &[u8]) -> bool {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let is_right = |(at, byte): (usize, &u8)| match HYPHENS.contains(&at) {
        true => *byte == b'-',
        false => byte.is_ascii_hexdigit(),
    };
    value.len() == 36 && value.iter().enumerate().all(is_right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::AppProtocol;
    use crate::app::conversation::{Turn, told_however_cut};

    fn shown(name: &str, value: &str) -> Option<&'static str> {
        HttpProduct::of_header(name.as_bytes(), value.as_bytes()).map(HttpProduct::as_str)
    }

    #[test]
    fn each_has_its_place_and_its_name() {
        for (at, product) in HttpProduct::ALL.into_iter().enumerate() {
            assert_eq!(product as usize, at);
            let of_that_name =
                HttpProduct::ALL.into_iter().filter(|other| other.as_str() == product.as_str());
            assert_eq!(of_that_name.count(), 1, "{}", product.as_str());
        }
    }

    #[test]
    fn headers_of_responses_tell() {
        const AUDIT: &str = "8a1c9d52-04ce-4f4a-b62a-2f5f5f6b2a10";
        for (name, value, product) in [
            ("Server", "nginx/1.25.3", "nginx"),
            ("server", "istio-envoy", "envoy"),
            ("Server", " Apache/2.4.57 (Debian) PHP/8.2", "apache"),
            ("Server", "Apache-Coyote/1.1", "tomcat"),
            ("Server", "Jetty(9.4.51.v20230217)", "jetty"),
            ("Server", "Docker/24.0.5 (linux)", "docker"),
            ("Server", "Libpod/4.3.1 (linux)", "podman"),
            ("Server", "CouchDB/3.3.2 (Erlang OTP/24)", "couchdb"),
            ("Server", "SimpleHTTP/0.6 Python/3.11.2", "python-http"),
            ("Ostype", "linux", "docker"),
            ("docker-experimental", "false", "docker"),
            ("Libpod-Api-Version", "4.3.1", "podman"),
            ("Docker-Distribution-Api-Version", "registry/2.0", "docker-registry"),
            ("X-elastic-product", "Elasticsearch", "elasticsearch"),
            ("Warning", "299 Elasticsearch-7.10.0-abc \"deprecated\"", "elasticsearch"),
            ("Warning", "299 OpenSearch-2.11.0-abc \"deprecated\"", "opensearch"),
            ("X-OpenSearch-Version", "OpenSearch/2.11.0 (opensearch)", "opensearch"),
            ("kbn-name", "kibana", "kibana"),
            ("X-Etcd-Index", "7", "etcd"),
            ("x-etcd-cluster-id", "cdf818194e3a8c32", "etcd"),
            ("X-Consul-Index", "12", "consul"),
            ("X-Nomad-Index", "12", "nomad"),
            ("X-Kubernetes-Pf-Flowschema-Uid", AUDIT, "kubernetes"),
            ("audit-id", AUDIT, "kubernetes"),
            ("X-Powered-By", "Express", "express"),
            ("X-Powered-By", "PHP/8.2.7", "php"),
            ("X-Powered-By", "ASP.NET", "asp.net"),
            ("X-AspNet-Version", "4.0.30319", "asp.net"),
            ("X-Jenkins", "2.414", "jenkins"),
            ("X-Influxdb-Version", "1.8.10", "influxdb"),
            ("X-ClickHouse-Query-Id", "1", "clickhouse"),
        ] {
            assert_eq!(shown(name, value), Some(product), "{name}: {value}");
        }
    }

    #[test]
    fn what_is_nearly_one_is_none() {
        for (name, value) in [
            ("Server", "nginxx/1.0"),
            ("Server", "not nginx"),
            ("Server", ""),
            ("Served", "nginx"),
            ("Api-Version", "1.43"),
            ("Ostype", "plan9"),
            ("Audit-Id", "7"),
            ("Audit-Id", "8a1c9d52x04ce-4f4a-b62a-2f5f5f6b2a10"),
            ("X-Etcd", "7"),
            ("X-Kubernetes-Pod", "a"),
            ("X-Powered-By", "magic"),
            ("Warning", "199 Elasticsearch-7.10.0 \"x\""),
            ("X-elastic-products", "Elasticsearch"),
        ] {
            assert_eq!(shown(name, value), None, "{name}: {value}");
        }
    }

    #[test]
    fn a_response_shows_it_and_a_request_does_not() {
        let asked = Turn::client(b"GET / HTTP/1.1\r\nServer: nginx\r\nX-Consul-Index: 1\r\n\r\n");
        let answer = b"HTTP/1.1 200 OK\r\nServer: nginx/1.22\r\nx-etcd-index: 3\r\nContent-Length: 0\r\n\r\n";
        let told = told_however_cut(AppProtocol::Http, &[asked.clone(), Turn::server(answer)]);
        assert_eq!(told.products(), [HttpProduct::Etcd]);
        assert_eq!(told.transactions()[0].product, Some(HttpProduct::Etcd));

        let silent = b"HTTP/1.1 200 OK\r\nX-Server: nginx\r\nContent-Length: 0\r\n\r\n";
        let told = told_however_cut(AppProtocol::Http, &[asked, Turn::server(silent)]);
        assert_eq!(told.products(), []);
        assert_eq!(told.transactions()[0].product, None);
    }

    #[test]
    fn services_of_grpc_tell() {
        assert_eq!(HttpProduct::of_grpc(b"/etcdserverpb.KV/Range"), Some(HttpProduct::Etcd));
        assert_eq!(
            HttpProduct::of_grpc(b"/spark.connect.SparkConnectService/ExecutePlan"),
            Some(HttpProduct::Spark)
        );
        assert_eq!(HttpProduct::of_grpc(b"/etcdserverpbx.KV/Range"), None);
    }

    #[test]
    fn of_several_the_one_that_says_most_stays() {
        let mut seen = None;
        for (another, stays) in [
            (HttpProduct::Nginx, HttpProduct::Nginx),
            (HttpProduct::Express, HttpProduct::Express),
            (HttpProduct::Envoy, HttpProduct::Express),
            (HttpProduct::Consul, HttpProduct::Consul),
        ] {
            HttpProduct::see(&mut seen, another);
            assert_eq!(seen, Some(stays));
        }
    }
}
