import jest from './jest.cjs';

export const { useTelecomx } = jest;
