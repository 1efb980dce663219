//! [`FlowLabel`]: what is known of a flow beside its protocol, in one byte: each flow of a table has one.

use crate::app::HttpProduct;

/// No data connection of FTP speaks HTTP: one that does is none any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FlowLabel {
    #[default]
    Nothing,
    /// What product answers, as headers of responses show.
    Product(HttpProduct),
    /// A control connection of FTP told that it would come.
    FtpData,
}

const _: () = assert!(size_of::<FlowLabel>() == 1);

impl FlowLabel {
    /// Takes in a product that is shown.
    pub(super) fn see(&mut self, product: HttpProduct) {
        let mut seen = self.product();
        HttpProduct::see(&mut seen, product);
        if let Some(product) = seen {
            *self = FlowLabel::Product(product);
        }
    }

    pub(super) fn product(self) -> Option<HttpProduct> {
        if let FlowLabel::Product(product) = self { Some(product) } else { None }
    }
}
