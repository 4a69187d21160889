import controls from './lib/controls.cjs';

export const { Clock, Controls, Fault, Faults, Server, TelecomxError, Workspace, binary, start } = controls;
