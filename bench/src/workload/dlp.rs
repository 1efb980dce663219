//! Secrets as vendors shape them: tokens with a fixed prefix, values behind a vendor's name, and a few odd ones.

use super::pack::Shape;

/// All rules.
pub(super) fn shapes() -> Vec<Shape> {
    let tokens = TOKENS.iter().chain(&ODD).map(|(name, regex)| Shape::new(*name, *regex));
    let keywords = KEYWORDS.split_whitespace().enumerate().map(|(index, keyword)| {
        let value = VALUES[index % VALUES.len()];
        let (head, tail) = FRAMES[index % FRAMES.len()];
        Shape::new(format!("{keyword} credential"), format!("(?i)(?:{keyword}){head}({value}){tail}"))
    });
    tokens.chain(keywords).collect()
}

/// What stands between a vendor's name and the value, and behind the value.
const FRAMES: [(&str, &str); 3] = [
    (
        r#"(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}"#,
        r#"(?:[\x60'"\s;]|\\[nr]|$)"#,
    ),
    (r#"[\w.-]{0,20}[\s'"]{0,3}(?:=|:{1,3}=|:|=>)[\x60'"\s=]{0,5}"#, r#"(?:[\x60'"\s;,]|$)"#),
    (r#"(?:[ \t\w.-]{0,16})[\s'"]{0,3}(?:=|:|=>|,)[\x60'"\s=]{0,4}"#, r"\b"),
];

/// Their number and that of the frames have no common divisor, so that each meets each.
const VALUES: [&str; 13] = [
    "[a-z0-9]{32}",
    "[0-9a-f]{40}",
    "[a-z0-9_-]{24}",
    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "[0-9a-f]{64}",
    "[a-z0-9]{20}",
    "[a-z0-9=_-]{43}",
    "[0-9a-f]{32}",
    "[a-z0-9]{16}",
    "[a-z0-9+/]{40}",
    "[a-z0-9_-]{32,48}",
    "[a-z0-9]{10}[.][a-z0-9]{24}",
    "[a-z][a-z0-9]{35}",
];

/// Vendors and words that stand before secrets: 150.
const KEYWORDS: &str = "acuity adyen agora airbrake akamai algolia amplitude anchore anodot apigee appdynamics appveyor \
    artifactory asana authy autopilot azure backblaze bamboo basecamp beamer binance bitbucket bitfinex bitly bitrise \
    blockchain bluesnap braintree branchio bugsnag buildkite bunny calendly campaign cashapp checkr chargebee circleci \
    clearbit clickup cloudant cloudflare cloudinary cockroach codacy codecov coinbase confluent contentful convertkit \
    couchbase coveralls customerio datadog deepgram deepl discord disqus docker docusign drift dropbox droneci ebay \
    elastic etherscan etsy eventbrite expensify fastly figma finicity finnhub firebase flickr formspree foursquare \
    freshdesk fullstory geocode ghost gitter gocardless gumroad hackerone harvest heroku hotjar hubspot infura instagram \
    intercom ipstack jenkins jira kafka keycloak klaviyo kraken kucoin launchdarkly lastfm lokalise looker mandrill \
    mapbox mattermost maxmind messagebird microsoft mixpanel monday mongo nasdaq netlify nexmo nylas okta onesignal \
    openweather optimizely pagerduty pastebin paypal pinecone pingdom pipedrive plaid plivo pubnub pusher quickbooks \
    rabbitmq rapidapi redis rollbar salesforce segment sentry snyk sonarqube splunk spotify stytch teamcity tinify \
    trello twitch typesense";

/// Tokens that a prefix tells: 60.
const TOKENS: [(&str, &str); 60] = [
    ("AWS access key id", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("GitHub personal token", "ghp_[0-9A-Za-z]{36}"),
    ("GitHub OAuth token", "gho_[0-9A-Za-z]{36}"),
    ("GitHub app token", "(?:ghu|ghs)_[0-9A-Za-z]{36}"),
    ("GitHub refresh token", "ghr_[0-9A-Za-z]{36}"),
    ("GitHub fine-grained token", r"github_pat_\w{82}"),
    ("GitLab personal token", r"glpat-[\w-]{20}"),
    ("GitLab deploy token", r"gldt-[\w-]{20}"),
    ("GitLab runner token", r"glrt-[\w-]{20}"),
    ("GitLab job token", r"glcbt-[0-9a-f]{1,5}_[\w-]{20}"),
    ("GitLab trigger token", "glptt-[0-9a-f]{40}"),
    ("Slack bot token", "xoxb-[0-9]{10,13}-[0-9]{10,13}-[0-9A-Za-z]{18,26}"),
    ("Slack user token", "xox[pe]-(?:[0-9]{10,13}-){3}[0-9a-f]{28,34}"),
    ("Slack app token", "(?i)xapp-[0-9]-[a-z0-9]{8,12}-[0-9]{10,13}-[a-z0-9]{32,64}"),
    ("Slack webhook", r"hooks\.slack\.com/services/T[0-9A-Z]{8,10}/B[0-9A-Z]{8,10}/[0-9A-Za-z]{24}"),
    ("Stripe key", r"\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{24,99}\b"),
    ("Stripe webhook secret", "whsec_[0-9A-Za-z]{32}"),
    ("Google API key", r"\bAIza[\w-]{35}\b"),
    ("Google access token", r"ya29\.[\w-]{30,120}"),
    ("Google client secret", r"GOCSPX-[\w-]{28}"),
    ("OpenAI key", r"\bsk-[0-9A-Za-z]{20}T3BlbkFJ[0-9A-Za-z]{20}\b"),
    ("Anthropic key", r"\bsk-ant-api03-[\w-]{93}AA\b"),
    ("Hugging Face token", r"\bhf_[A-Za-z]{34}\b"),
    ("npm token", r"(?i)\bnpm_[a-z0-9]{36}\b"),
    ("PyPI token", r"pypi-AgEIcHlwaS5vcmc[\w-]{50,200}"),
    ("RubyGems key", "rubygems_[0-9a-f]{48}"),
    ("DigitalOcean token", "do[por]_v1_[0-9a-f]{64}"),
    ("Shopify access token", "shpat_[0-9a-fA-F]{32}"),
    ("Shopify custom token", "shpca_[0-9a-fA-F]{32}"),
    ("Shopify private token", "shppa_[0-9a-fA-F]{32}"),
    ("Shopify shared secret", "shpss_[0-9a-fA-F]{32}"),
    ("SendGrid key", r"\bSG\.[\w-]{22}\.[\w-]{43}\b"),
    ("Brevo key", r"\bxkeysib-[0-9a-f]{64}-[0-9A-Za-z]{16}\b"),
    ("Mailgun key", "key-[0-9a-f]{32}"),
    ("Twilio key", r"\bSK[0-9a-f]{32}\b"),
    ("Twilio account", r"\bAC[0-9a-f]{32}\b"),
    ("Square access token", r"\b(?:EAAA|sq0atp-)[\w-]{22,60}\b"),
    ("Square secret", r"sq0csp-[\w-]{43}"),
    ("PlanetScale token", r"pscale_tkn_[\w.=-]{32,64}"),
    ("PlanetScale password", r"pscale_pw_[\w.=-]{32,64}"),
    ("Postman key", "PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("Linear key", "lin_api_[0-9A-Za-z]{40}"),
    ("Grafana cloud token", r"(?i)\bglc_[a-z0-9+/]{32,400}={0,2}"),
    ("Grafana service token", r"\bglsa_[0-9A-Za-z]{32}_[0-9a-fA-F]{8}\b"),
    ("Vault service token", r"\bhvs\.[\w-]{90,100}\b"),
    ("Vault batch token", r"\bhvb\.[\w-]{138,212}\b"),
    ("Pulumi token", r"\bpul-[0-9a-f]{40}\b"),
    ("Doppler token", r"\bdp\.pt\.[0-9A-Za-z]{43}\b"),
    ("Databricks token", r"\bdapi[0-9a-f]{32}(?:-[0-9])?\b"),
    ("Dynatrace token", r"\bdt0c01\.[0-9A-Z]{24}\.[0-9A-Z]{64}\b"),
    ("New Relic key", r"\bNRAK-[0-9A-Z]{27}\b"),
    ("Atlassian token", r"\bATATT3[\w=-]{186}\b"),
    ("age secret key", "AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
    ("EasyPost key", r"\bEZ[AT]K[0-9A-Za-z]{54}\b"),
    ("Duffel token", r"duffel_(?:test|live)_[\w-]{43}"),
    ("Shippo token", r"\bshippo_(?:live|test)_[0-9a-f]{40}\b"),
    ("Prefect token", r"\bpnu_[0-9A-Za-z]{36}\b"),
    ("ReadMe key", r"\brdme_[0-9a-z]{70}\b"),
    ("Alibaba access key", r"\bLTAI[0-9A-Za-z]{20}\b"),
    ("JSON web token", r"\beyJ[\w-]{17,}\.eyJ[\w-]{17,}\.[\w-]{10,}"),
];

/// Without a prefix, over many lines, or of another kind: 10.
const ODD: [(&str, &str); 10] = [
    ("private key", r"-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----[\s\S]{64,}?-----END"),
    ("URL with credentials", r"(?i)\b[a-z][a-z+]{2,9}://[^/\s:@]{3,20}:[^/\s:@]{3,20}@[\w.-]{3,64}"),
    ("Discord bot token", r"[MN][A-Za-z\d]{23,25}\.[\w-]{6}\.[\w-]{27}"),
    ("Mailchimp key", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    ("Telegram bot token", r"\b[0-9]{8,10}:AA[\w-]{33}\b"),
    ("Terraform token", r"(?i)\b[a-z0-9]{14}\.atlasv1\.[a-z0-9=_-]{60,70}"),
    ("basic authorization", r"(?i)authorization:\s{0,4}basic\s{1,4}[a-z0-9+/]{16,128}={0,2}"),
    ("bcrypt hash", r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}"),
    ("Azure storage key", "(?i)AccountKey=[a-z0-9+/]{86}=="),
    ("quoted password", r#"(?i)pass(?:word|wd)?\s{0,3}[=:]\s{0,3}['"][^'"\s]{8,64}['"]"#),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_220_rules() {
        assert_eq!(shapes().len(), 220);
        assert_eq!(KEYWORDS.split_whitespace().count(), 150);
    }
}
