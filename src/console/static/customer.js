// Which customer a page is about: that of the address, else that of whoever is signed in.
import { html } from './lib.js';
import { t } from './i18n.js';
import { get } from './api.js';
import { atLeast, me } from './session.js';
import { to } from './route.js';
import { Name, useLoad } from './parts.js';

export const customerOf = (route) => route.query.customer ?? me().customer;

/** The arguments that keep the customer in an address; none for the own one. */
export const keepCustomer = (id) => (id === me().customer ? {} : { customer: id });

export function CustomerLine({ id }) {
  const own = id === me().customer;
  const loaded = useLoad(async () => (own ? { name: me().customerName } : get(`/customer/${id}/name`)), [id]);
  return html`<span class="row"><${Name} of=${loaded.data?.name ?? '…'} />
    ${atLeast('RESELLER') && html`<a href=${to('customers')}>${t('customer.other')}</a>`}</span>`;
}
