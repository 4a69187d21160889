// The machine: sizes, room, alarms, backup and certificate.
import { html } from '../lib.js';
import { ago, bytes, dateTime, day, t } from '../i18n.js';
import { get } from '../api.js';
import { Badge, Card, clip, Facts, Figure, Loaded, Name, Note, Page, useEvery, useLoad } from '../parts.js';

function days(value) {
  if (value === null || value === undefined) return t('machine.noend');
  return value > 3_650 ? t('machine.years') : t('days', { count: Math.floor(value) });
}

function certificate(of) {
  if (!of) return '–';
  return html`${day(of.until)} <${Badge} kind=${of.days < 0 ? 'bad' : of.days < 14 ? 'warn' : 'good'}>${t('days', { count: of.days })}</${Badge}>`;
}

export default function Machine() {
  const loaded = useLoad(() => get('/local/status'), [], (event) => event.name === 'sync');
  useEvery(30, loaded.reload);
  return html`<${Page} title=${t('nav.machine')} lead=${t('machine.lead')}>
    <${Loaded} of=${loaded}>${(of) => {
      const storage = of.storage ?? {};
      const isTight = storage.daysUntilFull !== null && storage.daysUntilFull < 30;
      return html`
        ${of.alarms.length ? html`<${Note} kind="bad" role="alert"><p><strong>${t('machine.alarms', { count: of.alarms.length })}</strong></p><ul>${of.alarms.map((alarm) => html`<li key=${alarm} lang="en">${clip(alarm)}</li>`)}</ul></${Note}>`
          : html`<${Note} kind="good"><p>${t('machine.well')}</p></${Note}>`}
        <dl class="figures">
          <${Figure} label=${t('machine.database')} value=${bytes(storage.databaseBytes)} hint=${t('machine.log', { size: bytes(storage.logBytes) })} />
          <${Figure} label=${t('machine.trail')} value=${bytes(storage.auditBytes)} hint=${t('machine.entries', { count: storage.auditEntries ?? 0 })} />
          <${Figure} label=${t('machine.growth')} value=${bytes(storage.growthBytesPerDay)} hint=${t('machine.perday')} />
          <${Figure} label=${t('machine.free')} value=${bytes(storage.freeBytes)} />
          <${Figure} label=${t('machine.full')} kind=${isTight ? 'bad' : ''} value=${days(storage.daysUntilFull)} />
        </dl>
        <div class="two">
          <${Card} title=${t('machine.program')}><${Facts} of=${[
            [t('version'), clip(of.program?.version)],
            [t('machine.schema'), String(of.program?.schema ?? '–')],
            [t('machine.listen'), html`<span class="mono">${clip(of.server?.listen)}</span>`],
            [t('machine.process'), String(of.server?.process ?? '–')],
            [t('machine.path'), html`<span class="mono"><${Name} of=${of.database?.path} /></span>`],
            [t('machine.contents'), html`<span lang="en">${clip(of.database?.contents)}</span>`],
            [t('machine.clock'), dateTime(of.clock?.now)],
          ]} /></${Card}>
          <${Card} title=${t('machine.safety')}><${Facts} of=${[
            [t('machine.backup'), of.backup ? html`${dateTime(of.backup.newest)} <small>${ago(of.backup.ageSeconds)}</small>` : t('machine.nobackup')],
            [t('machine.certificate'), of.certificate ? certificate(of.certificate) : t('machine.nocertificate')],
            [t('hub'), of.hub?.enrolled ? html`<${Name} of=${of.hub.hub} />` : t('machine.nohub')],
            [t('centre.platform'), of.platform?.connected ? html`<${Name} of=${of.platform.url} />` : t('machine.noplatform')],
          ]} /></${Card}>
        </div>`;
    }}</${Loaded}>
  </${Page}>`;
}
